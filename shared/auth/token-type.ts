/** What the head of a token says it is (`typ`, RFC 8725 §3.11), in lower case and without `application/`. */

/** The tokens that are made here. Nothing else takes them: what lets an agent in lets no client in. */
export const agentTokenType = 'inverting-proxy-agent+jwt';

/** What others write: nothing (read as JWT), JWT, or that it is an access token (RFC 9068 §2.1). */
export const plainTypes: readonly string[] = ['jwt', 'at+jwt'];
