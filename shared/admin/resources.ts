/**
 * What of a program can be changed by its admin listener: JSON resources, each a path with what its methods do. Paths are
 * matched and bodies are read and bounded here; who may ask is decided in doors.ts, what an answer says by whoever made
 * the resource.
 */
import type { IncomingMessage } from 'node:http';
import { TunnelError } from '../errors/tunnel-error.ts';

export type ResourceMethod = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface ResourceRequest {
  /** What stands in the place of `{id}`, decoded; empty for a path without one. It is not judged yet. */
  readonly id: string;
  /** The parsed body of a POST or PUT; undefined for the other two. It is not judged yet. */
  readonly body: unknown;
  /** The If-Match field, for whoever would not overwrite what somebody else has changed (RFC 9110 §13.1.1). */
  readonly ifMatch: string | undefined;
}

export interface ResourceAnswer {
  readonly status: 200 | 201 | 204;
  /** Undefined with 204 alone. */
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ResourceHandler = (request: ResourceRequest) => ResourceAnswer | Promise<ResourceAnswer>;

export interface Resource {
  /** `/api/things`, or `/api/things/{id}` where the last segment names one of them. */
  readonly path: string;
  /** HEAD is answered where GET is. */
  readonly methods: Readonly<Partial<Record<ResourceMethod, ResourceHandler>>>;
}

export type ResourceStatus = 400 | 404 | 409 | 412 | 413 | 415 | 503;

/** A handler throws it: the request is refused, and nothing was changed. The message is for whoever asked. */
export class ResourceRefusal extends TunnelError<string, { readonly status: ResourceStatus }> {
  constructor(status: ResourceStatus, code: string, message: string) {
    super(message, { code, scope: 'exchange', initiator: 'remote', answer: { status } });
  }
}

/** A list of a thousand e-mail addresses fits; 64 connections with such a body each hold 16 MiB. */
export const maxBodyBytes = 256 * 1024;

const idSegment = '/{id}';

export class Resources {
  readonly #exact = new Map<string, Resource>();
  /** By what stands before the id, without its slash. */
  readonly #members = new Map<string, Resource>();

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) {
      if (resource.path.endsWith(idSegment)) {
        this.#members.set(resource.path.slice(0, -idSegment.length), resource);
      } else this.#exact.set(resource.path, resource);
    }
  }

  get paths(): string[] {
    return [...this.#exact.values(), ...this.#members.values()].map(({ path }) => path);
  }

  /** The resource of a path without its query, and the id that the path names. */
  find(path: string): { readonly resource: Resource; readonly id: string } | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { resource: exact, id: '' };
    const slash = path.lastIndexOf('/');
    const resource = slash < 1 ? undefined : this.#members.get(path.slice(0, slash));
    const id = decode(path.slice(slash + 1));
    return resource === undefined || id === undefined || id === '' ? undefined : { resource, id };
  }
}

/** For the Allow field of a 405 (RFC 9110 §10.2.1). */
export function methodsOf({ methods }: Resource): string[] {
  return Object.keys(methods).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}

export function handlerOf({ methods }: Resource, method: string): ResourceHandler | undefined {
  return new Map<string, ResourceHandler>(Object.entries(methods)).get(method === 'HEAD' ? 'GET' : method);
}

/** What a handler is given, once the whole body is there. @throws ResourceRefusal */
export async function readRequest(request: IncomingMessage, id: string): Promise<ResourceRequest> {
  const { method } = request;
  const ifMatch = request.headers['if-match'];
  const hasBody = method === 'POST' || method === 'PUT';
  return { id, body: hasBody ? await readJson(request) : undefined, ifMatch };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  // No page of another origin can send this type without asking first, and whoever asks gets a 405.
  if (type !== 'application/json') {
    throw new ResourceRefusal(
      415,
      'not_json',
      'The body has to be JSON, and to say so: Content-Type: application/json.',
    );
  }
  const tooLarge = new ResourceRefusal(413, 'too_large', `A body here has at most ${maxBodyBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge;
  const pieces: Buffer[] = [];
  let byteCount = 0;
  // Ended early, the usual iterator would take the socket with it, and the answer could not be sent.
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    if (!(piece instanceof Buffer)) throw new Error('a request without an encoding is read as bytes');
    byteCount += piece.length;
    if (byteCount > maxBodyBytes) throw tooLarge;
    pieces.push(piece);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces)));
  } catch (error) {
    // A SyntaxError of JSON, or a TypeError of what is no UTF-8; the reason stands in neither answer nor log.
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    throw new ResourceRefusal(400, 'malformed_json', 'The body is not JSON in UTF-8.');
  }
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
