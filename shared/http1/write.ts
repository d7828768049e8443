/** Writing a message on: the one door to the files that do it, a request's head, a response's head, and the frame of a chunked body. */
export type { ExtraFields } from './extra.ts';
export { chunkHead, writeTrailers } from './write-chunked.ts';
export { writeRequestHead } from './write-request.ts';
export type { Disclosure, Forwarding } from './write-request.ts';
export { responseFramingToClient, writeInterimHead, writeResponseHead } from './write-response.ts';
export type { ResponseClient } from './write-response.ts';
