/**
 * For each parser the inputs that would hurt it most, of any size, and how they are fed to it. Limits are far above the input, so
 * that no refusal cuts the work short: what is measured is the parser, not its limit.
 */
import { createBodyReader } from '../../../shared/http1/body.ts';
import { HeadScanner } from '../../../shared/http1/head.ts';
import { Refusal } from '../../../shared/http1/refusal.ts';
import { readRequest, readResponse } from '../../../shared/http1/rules.ts';
import { writeRequestHead, writeResponseHead } from '../../../shared/http1/write.ts';
import { filled, SIZES } from './source.ts';
import type { Feed, Source } from './source.ts';
import { squareInBlocks, squareInNatives } from './square.ts';

const NO_LIMIT = 1 << 24;
const headLimits = { headBytes: NO_LIMIT, lineBytes: NO_LIMIT, fields: NO_LIMIT };
const bodyLimits = {
  bodyBytes: NO_LIMIT,
  chunkExtensionLineBytes: NO_LIMIT,
  chunkExtensionBytes: NO_LIMIT,
  trailerBytes: NO_LIMIT,
  trailerFields: NO_LIMIT,
};
const forwarding = { for: '192.0.2.1', proto: 'https', host: 'h', via: 'edge', trustChain: true } as const;

const few: readonly string[] = ['s', '__Host-s'];

function outcomeOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.code;
  }
}

const feedRequest: Feed = (pieces) => feedRequestWithout(few, pieces);

function feedRequestWithout(withheldCookies: readonly string[], pieces: readonly Uint8Array[]): string {
  const disclosure = { withheldCookies, withholdsAuthorization: true, fields: [] };
  return outcomeOf(() => {
    const scanner = new HeadScanner('request', headLimits);
    for (const piece of pieces) {
      const head = scanner.push(piece);
      if (head === undefined) continue;
      const meaning = readRequest(head, { viaName: 'edge' });
      writeRequestHead(head, meaning, forwarding, disclosure);
      return 'written';
    }
    return 'wants more';
  });
}

function feedResponse(pieces: readonly Uint8Array[]): string {
  return outcomeOf(() => {
    const scanner = new HeadScanner('response', headLimits);
    for (const piece of pieces) {
      const head = scanner.push(piece);
      if (head === undefined) continue;
      const meaning = readResponse(head, { method: 'GET', version: '1.1', upgrade: 'a, b' });
      writeResponseHead(head, meaning, { version: '1.1', method: 'GET', keepAlive: true });
      return 'written';
    }
    return 'wants more';
  });
}

function feedChunked(pieces: readonly Uint8Array[]): string {
  return outcomeOf(() => {
    const reader = createBodyReader({ kind: 'chunked' }, 'request', { limits: bodyLimits });
    for (const piece of pieces) {
      for (let at = 0; at < piece.length && !reader.done;) at = reader.read(piece, at, Infinity);
    }
    return reader.done ? `done, ${reader.trailers.length} trailers` : 'wants more';
  });
}

type Filling = readonly [name: string, before: string, unit: string, behind: string];

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n';
const END = '\r\n\r\n';
const numbered = (from: number): string => from.toString(36);

const heads: readonly Filling[] = [
  ['a line of blanks', GET, ' ', END],
  ['a value of blanks', `${GET}A:`, ' ', END],
  ['a value of TABs', `${GET}A: b`, '\t', `c${END}`],
  ['a value of colons', `${GET}A:`, ':', END],
  ['a name without a colon', GET, 'a', END],
  ['one long name', GET, 'a', `:b${END}`],
  ['many fields', GET, 'A:\r\n', '\r\n'],
  ['many fields of known names', GET, 'X-Forwarded-For:1\r\n', '\r\n'],
  ['many names nearly known', GET, 'X-Forwarded-Fox:1\r\n', '\r\n'],
  ['many empty lines', '', '\r\n', ''],
  ['many CRs', GET, '\r', ''],
  ['a long method', '', 'A', ` / HTTP/1.1\r\nHost: h${END}`],
  ['a long target', 'GET /', '/', ` HTTP/1.1\r\nHost: h${END}`],
  ['a long absolute target', 'GET http://', 'h', `/ HTTP/1.1\r\nHost: h${END}`],
  ['blanks in the request line', 'GET', ' ', `/ HTTP/1.1\r\nHost: h${END}`],
  ['a long host', 'GET / HTTP/1.1\r\nHost: ', 'H', END],
  ['a host of percents', 'GET / HTTP/1.1\r\nHost: ', '%41', END],
  ['a host of colons in brackets', 'GET / HTTP/1.1\r\nHost: [', ':', `]${END}`],
  ['a host of zeros in brackets', 'GET / HTTP/1.1\r\nHost: [', '0:', `]${END}`],
  ['commas in Connection', `${GET}Connection: `, ',', END],
  ['names in Connection', `${GET}Connection: `, 'ab,', END],
  ['many lines of Connection', GET, 'Connection: a,b\r\n', '\r\n'],
  ['many Connection lines that name fields', `${GET}Connection: a\r\n`, 'A: 1\r\n', '\r\n'],
  ['digits in Content-Length', `${GET}Content-Length: `, '0', `1${END}`],
  ['many lines of Content-Length', GET, 'Content-Length: 1\r\n', '\r\n'],
  ['many lines of Content_Length', GET, 'Content_Length: 1\r\n', '\r\n'],
  ['codings', `${GET}Transfer-Encoding: `, 'a,', `chunked${END}`],
  ['commas in Transfer-Encoding', `${GET}Transfer-Encoding: `, ',', `chunked${END}`],
  ['many lines of Host', 'GET / HTTP/1.1\r\n', 'Host: h\r\n', '\r\n'],
  ['elements in Via', `${GET}Via: `, 'a b,', END],
  ['blanks in Via', `${GET}Via: a`, ' ', `b${END}`],
  ['open comments in Via', `${GET}Via: `, '(', END],
  ['many lines of Via', GET, 'Via: 1.1 a\r\n', '\r\n'],
  ['elements in TE', `${GET}TE: `, 'a,', END],
  ['many lines of TE', GET, 'TE: a\r\n', '\r\n'],
  ['many lines of Upgrade', `${GET}Connection: upgrade\r\n`, 'Upgrade: a\r\n', '\r\n'],
  ['many lines of Expect', GET, 'Expect: 100-continue\r\n', '\r\n'],
  ['many lines of X-Forwarded-For', GET, 'X-Forwarded-For: a\r\n', '\r\n'],
  ['cookies that are withheld', `${GET}Cookie: `, 's=1;', `a=1${END}`],
  ['cookies that are nearly withheld', `${GET}Cookie: `, 's;', `s=1${END}`],
  ['semicolons in Cookie', `${GET}Cookie: s=1`, ';', END],
  ['blanks around a cookie that is withheld', `${GET}Cookie: a=1;`, ' ', `s =1; b=2${END}`],
  ['many lines of Cookie', GET, 'Cookie: s=1;a=1\r\n', '\r\n'],
  ['many lines of Authorization', GET, 'Authorization: a\r\n', '\r\n'],
  ['Max-Forwards', `${GET.replace('GET', 'OPTIONS')}Max-Forwards: `, '0', `1${END}`],
];

const OK = 'HTTP/1.1 200 OK\r\n';
const responses: readonly Filling[] = [
  ['a long reason', 'HTTP/1.1 200 ', '\t', END],
  ['many fields', OK, 'A:\r\n', '\r\n'],
  ['a list of lengths', `${OK}Content-Length: 1`, ',1', END],
  ['many lines of lengths', OK, 'Content-Length: 1\r\n', '\r\n'],
  ['lengths of blanks', `${OK}Content-Length: 1`, ', 1 ', END],
  ['names in Connection', `${OK}Connection: `, 'ab,', END],
  ['many lines of Connection', OK, 'Connection: a,b\r\n', '\r\n'],
  ['protocols in a 101', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: a', ',b', END],
  ['many lines of Upgrade in a 101', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\n', 'Upgrade: a\r\n', '\r\n'],
  ['reserved names', OK, 'Proxy-Status: a\r\n', '\r\n'],
];

const bodies: readonly Filling[] = [
  ['chunks of one byte', '', '1\r\na\r\n', '0\r\n\r\n'],
  ['one chunk', '1ffff\r\n', 'a', ''],
  ['digits', '', '0', ''],
  ['a token in an extension', '1;', 'a', '\r\na\r\n0\r\n\r\n'],
  ['extensions', '1', ';a=b', '\r\na\r\n0\r\n\r\n'],
  ['quoted escapes', '1;a="', '\\"', '"\r\na\r\n0\r\n\r\n'],
  ['backslashes without an end', '1;a="', '\\', ''],
  ['small chunks with extensions', '', '1;a="\\""\r\na\r\n', '0\r\n\r\n'],
  ['many trailers', '0\r\n', 'A:\r\n', '\r\n'],
  ['trailers that do not go on', '0\r\n', 'X_Forwarded_For:1\r\n', '\r\n'],
  ['a trailer of blanks', '0\r\nA:', ' ', END],
  ['a long trailer name', '0\r\n', '_', `:1${END}`],
  ['CRs behind the data', '1\r\na\r', '\r', ''],
];

function sourcesOf(what: string, feed: Feed, fillings: readonly Filling[]): Source[] {
  return fillings.map(([name, before, unit, behind]) => ({
    name: `${what}: ${name}`,
    sizes: SIZES,
    make: (size) => ({ bytes: filled(before, unit, behind, size), feed }),
  }));
}

/** Names that differ, as many as there is room for, listed once and then one more line of them after the other. */
const differentNames: Source = {
  name: 'request: different names in Connection, and many lines of it',
  sizes: SIZES,
  make: (size) => {
    let list = '';
    for (let count = 0; list.length < size / 2; count++) list += `${numbered(count)},`;
    return {
      bytes: filled(`${GET}Connection: ${list}\r\n`, 'Connection: a\r\n', '\r\n', size),
      feed: feedRequest,
    };
  },
};

/** Cookies that differ and are all withheld, as many as there is room for, each on a line of its own. */
const differentCookies: Source = {
  name: 'request: different cookies that are withheld',
  sizes: SIZES,
  make: (size) => {
    const names: string[] = [];
    let lines = '';
    for (let count = 0; lines.length < size - 100; count++) {
      names.push(numbered(count));
      lines += `Cookie: ${numbered(count)}=\r\n`;
    }
    return {
      bytes: filled(`${GET}${lines}`, 'A:\r\n', '\r\n', size),
      feed: (pieces) => feedRequestWithout(names, pieces),
    };
  },
};

/** They show that the measure sees what is not linear; small, since it is not. */
const squares: readonly Source[] = [
  {
    name: 'square: in blocks',
    sizes: [512, 2_048],
    make: (size) => ({
      bytes: filled('', 'a', '', size),
      feed: (pieces) => `${squareInBlocks(Buffer.concat(pieces))}`,
    }),
  },
  {
    name: 'square: in natives',
    sizes: [512, 2_048],
    make: (size) => ({ bytes: filled('', 'a', '', size), feed: (pieces) => `${squareInNatives(pieces)}` }),
  },
];

export const messages: readonly Source[] = [
  ...sourcesOf('request', feedRequest, heads),
  differentNames,
  differentCookies,
  ...sourcesOf('response', feedResponse, responses),
  ...sourcesOf('chunked', feedChunked, bodies),
  ...squares,
];
