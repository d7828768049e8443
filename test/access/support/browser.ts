/**
 * A browser without a screen: it keeps cookies as browsers do (by host, not by port), follows redirects one by one, and
 * shows each answer. What it sends can be anything.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { request } from 'node:http';

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly setCookies: readonly string[];
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  /** A list of pairs goes out as it stands, with nothing added. */
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly body?: string;
  /** Sent instead of what the jar holds. */
  readonly cookie?: string;
}

export const html = 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8';

export class Browser {
  /** By host, then by name. */
  readonly jar = new Map<string, Map<string, string>>();
  readonly seen: Page[] = [];

  /** One request, no redirect followed. */
  async ask(url: string, asking: Asking = {}): Promise<Page> {
    const { hostname } = new URL(url);
    const cookie = asking.cookie ?? this.cookies(hostname);
    const { headers: given = {} } = asking;
    const headers = isPairs(given) ? given : { accept: html, ...(cookie === '' ? {} : { cookie }), ...given };
    const page = await send(url, { ...asking, headers });
    for (const line of page.setCookies) this.#keep(hostname, line);
    this.seen.push(page);
    return page;
  }

  /** Follows redirects to the page behind them. */
  async open(url: string, asking: Asking = {}): Promise<Page> {
    let page = await this.ask(url, asking);
    for (let hops = 0; page.headers['location'] !== undefined; hops += 1) {
      if (hops > 20) throw new Error(`sent on for ever: ${page.url}`);
      page = await this.ask(new URL(page.headers['location'], page.url).href);
    }
    return page;
  }

  cookies(host: string): string {
    return Array.from(this.jar.get(host) ?? [], ([name, value]) => `${name}=${value}`).join('; ');
  }

  /** The value of the one cookie whose name ends so. */
  cookie(host: string, ending: string): string | undefined {
    for (const [name, value] of this.jar.get(host) ?? []) if (name.endsWith(ending)) return value;
    return undefined;
  }

  #keep(host: string, line: string): void {
    const [pair = '', ...attributes] = line.split(/; */);
    const [name = '', ...value] = pair.split('=');
    const cookies = this.jar.get(host) ?? new Map<string, string>();
    this.jar.set(host, cookies);
    const isOver = attributes.some((each) => /^max-age=0$/i.test(each) || /^expires=.*1970/i.test(each));
    if (isOver || value.join('=') === '') cookies.delete(name);
    else cookies.set(name, value.join('='));
  }
}

/** By node:http, which sends the path as it is given: URL would mend what a test wants to see refused. */
async function send(url: string, { method = 'GET', headers = {}, body }: Asking): Promise<Page> {
  const [, host = '', path = '/'] = /^http:\/\/([^/]+)(\/.*)?$/.exec(url) ?? [];
  const [hostname = '', port = '80'] = host.split(':');
  const coming = Promise.withResolvers<Page>();
  const lines = isPairs(headers) ? ['Host', host, ...headers.flat()] : headers;
  const outgoing = request({ hostname, port, path, method, headers: lines, agent: false }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      text += piece;
    });
    response.on('error', coming.reject);
    response.on('end', () => {
      const flat = Object.entries(response.headers).map(
        ([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value] as const,
      );
      const setCookies = response.headers['set-cookie'] ?? [];
      coming.resolve({
        url,
        status: response.statusCode ?? 0,
        headers: Object.fromEntries(flat),
        setCookies,
        body: text,
      });
    });
  });
  outgoing.on('error', coming.reject);
  outgoing.end(body);
  return coming.promise;
}

type Headers = NonNullable<Asking['headers']>;

function isPairs(headers: Headers): headers is readonly (readonly [string, string])[] {
  return Array.isArray(headers);
}
