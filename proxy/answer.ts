/**
 * The answers the proxy makes itself: failures of the tunnel and refusals of what a client sent. Each carries
 * Proxy-Status (RFC 9209) with our code, the request id, and a body by Accept: HTML for people, JSON, or text.
 * Nothing of the request is ever in it; of its sender only the account, escaped.
 */
import { extraLines, NO_EXTRA } from '../shared/http1/extra.ts';
import type { ExtraFields } from '../shared/http1/extra.ts';
import { preferredKind } from './accept.ts';
import type { Exchange } from './exchange.ts';
import { asciiJson, asciiText, escapeHtml } from './escape.ts';
import type { Refusal } from '../shared/http1/refusal.ts';
import { failures } from '../shared/protocol/failures.ts';
import type { FailureCode } from '../shared/protocol/failures.ts';

export interface Answer {
  readonly status: number;
  readonly code: string;
  /** The error type of RFC 9209 §2.3; undefined where nothing went wrong: a page of the proxy itself. */
  readonly proxyStatus: string | undefined;
  readonly sentence: string;
  /** Who has to do what about it. */
  readonly remedy?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  /** The WWW-Authenticate value of a 401 (RFC 9110 §15.5.2). */
  readonly challenge?: string | undefined;
  /** The Upgrade value of a 426 (RFC 9110 §15.5.22). */
  readonly upgrade?: string | undefined;
  /** The Allow value of a 405, where it is about one resource. */
  readonly allow?: string | undefined;
  /** What a page is called, where a status is no name for it. */
  readonly title?: string | undefined;
  /** Whom it is about, as their identity provider calls them: whatever somebody could make it say. */
  readonly account?: string | undefined;
  /** Where to go on, in the page for people: our own pages. */
  readonly links?: readonly PageLink[] | undefined;
  /** More fields of the head; names and values are well-formed. */
  readonly fields?: ExtraFields | undefined;
}

export interface PageLink {
  readonly path: string;
  readonly text: string;
  /** It changes something: a button that posts, not a link that a page elsewhere could have loaded. */
  readonly posts?: boolean;
}

export interface AnswerContext {
  /** Our name in Via and Proxy-Status. */
  readonly name: string;
  readonly requestId: string;
  /** The request's Accept value; undefined where there is none or no head was read. */
  readonly accept: string | undefined;
  readonly isHead: boolean;
  readonly persist: boolean;
}

export function failureAnswer(code: FailureCode): Answer {
  return { code, ...failures[code] };
}

export function refusalAnswer(refusal: Refusal): Answer {
  return {
    status: refusal.answer.status,
    code: refusal.code,
    proxyStatus: 'http_request_error',
    sentence: `The request was refused: ${refusal.reason}.`,
    remedy: 'Whoever made the program that sent it has to mend it.',
  };
}

/** Tells the client, if there still is one, and notes it in the exchange's record. */
export function giveAnswer({ client, record, request }: Exchange, answer: Answer, name: string): void {
  if (client.isGone) {
    record.abortedBy ??= 'client';
    return;
  }
  record.status = answer.status;
  record.code = answer.code;
  const persist = client.mayPersist;
  const accept = request.fields.get('accept');
  const isHead = request.method === 'HEAD';
  client.writeFinalHead(writeAnswer(answer, { name, requestId: record.id, accept, isHead, persist }));
  client.finish(persist);
}

/** The whole answer, head and body, as latin1 text. */
export function writeAnswer(answer: Answer, context: AnswerContext): string {
  const { type, body } = writeBody(answer, context);
  const { challenge, retryAfterSeconds, upgrade } = answer;
  const retry = retryAfterSeconds === undefined ? '' : `Retry-After: ${String(retryAfterSeconds)}\r\n`;
  return (
    `HTTP/1.1 ${String(answer.status)} ${reasonPhrases[answer.status] ?? ''}\r\n` +
    `Content-Type: ${type}\r\nContent-Length: ${String(body.length)}\r\n` +
    'Cache-Control: no-store\r\n' +
    (type === htmlType ? pageProtection : '') +
    retry +
    (challenge === undefined ? '' : `WWW-Authenticate: ${challenge}\r\n`) +
    (upgrade === undefined ? '' : `Upgrade: ${upgrade}\r\nConnection: upgrade\r\n`) +
    // TRACE alone is refused everywhere; which other methods a resource has, its backend knows (RFC 9110 §10.2.1).
    (answer.status === 405 ? `Allow: ${answer.allow ?? allowedMethods}\r\n` : '') +
    `Proxy-Status: ${context.name}${writeError(answer)}\r\n` +
    `X-Request-Id: ${context.requestId}\r\n` +
    extraLines(answer.fields ?? NO_EXTRA) +
    (context.persist ? '' : 'Connection: close\r\n') +
    `\r\n${context.isHead ? '' : body}`
  );
}

function writeError({ proxyStatus, code }: Answer): string {
  return proxyStatus === undefined ? '' : `; error=${proxyStatus}; details="${code}"`;
}

const allowedMethods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

function writeBody(answer: Answer, context: AnswerContext): { type: string; body: string } {
  const { status, code, sentence, remedy, account } = answer;
  const { requestId } = context;
  const kind = preferredKind(context.accept);
  if (kind === 'html') return { type: htmlType, body: writePage(answer, context) };
  if (kind === 'json') {
    const body = asciiJson({ status, code, reason: sentence, remedy, account, requestId });
    return { type: 'application/json', body: `${body}\n` };
  }
  const whom = account === undefined ? undefined : `The account is ${asciiText(account)}.`;
  const lines = [sentence, whom, remedy, `${code}, request ${requestId}`].filter(
    (line) => line !== undefined,
  );
  return { type: 'text/plain; charset=utf-8', body: `${lines.join('\n')}\n` };
}

const htmlType = 'text/html; charset=utf-8';

/** A page of ours loads nothing, stands in no frame, and is what it says it is. */
const pageProtection =
  "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'\r\n" +
  'X-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\n';

/** Readable on a phone, without anything to load. */
function writePage(answer: Answer, context: AnswerContext): string {
  const title = answer.title ?? `${String(answer.status)} ${reasonPhrases[answer.status] ?? ''}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark; }
body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.4rem; }
p { overflow-wrap: anywhere; }
button { font: inherit; padding: 0.4em 1.2em; }
p.code { opacity: 0.6; font-size: 0.85rem; }
</style>
<h1>${title}</h1>
<p>${answer.sentence}${answer.remedy === undefined ? '' : `<br>${answer.remedy}`}</p>
${writeAccount(answer.account)}${(answer.links ?? []).map(writeLink).join('')}<p class="code">${answer.code} &middot; request ${context.requestId}</p>
</html>
`;
}

function writeAccount(account: string | undefined): string {
  return account === undefined ? '' : `<p>Signed in as <b>${escapeHtml(account)}</b></p>\n`;
}

/** Paths are our own; their queries may hold what a client asked for. */
function writeLink({ path, text, posts }: PageLink): string {
  const to = escapeHtml(text);
  return posts === true
    ? `<form method="post" action="${escapeHtml(path)}"><button>${to}</button></form>\n`
    : `<p><a href="${escapeHtml(path)}">${to}</a></p>\n`;
}

const reasonPhrases: { readonly [status: number]: string } = {
  200: 'OK',
  302: 'Found',
  303: 'See Other',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
};
