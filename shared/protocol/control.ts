/**
 * The text messages of a link: JSON, one object each, told apart by `kind`. Reads and writes them; knows no socket and
 * does not know when which one may be sent.
 */
import { maxTokenLength } from './ask.ts';
import { ControlFields } from './control-fields.ts';
import { ControlViolation } from './control-violation.ts';
import { readAuthority, readBackendId, readHostPattern, readPathPrefix } from './grammar.ts';

/** The longest control message in UTF-16 units: far above what the lists below can fill, far below what could hurt. */
export const maxControlLength = 64 * 1024;
/** Versions, instance and node names. */
const maxNameLength = 64;
/** URLs and reasons for people. */
const maxTextLength = 2048;

/** The agent, first thing on a link. */
export interface Hello {
  readonly kind: 'hello';
  /** The agent's program version, such as `0.1.0`. */
  readonly version: string;
  /** One run of one agent, the same on all its links. */
  readonly instance: string;
  readonly backend: string;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
  readonly options: HelloOptions;
}

export interface HelloOptions {
  /** The Host line the backend gets in place of the client's: the proxy writes it, since the agent parses no HTTP. */
  readonly hostHeader?: string;
  /** It knows narrow streams, and its memory has room for so many wide ones on this link. */
  readonly wideStreams?: number;
}

/** The proxy, in answer to hello. */
export interface Welcome {
  readonly kind: 'welcome';
  readonly node: string;
  /** Where clients reach this backend. */
  readonly urls: readonly string[];
  readonly limits: WelcomeLimits;
}

export interface WelcomeLimits {
  /** How many streams the proxy opens on this link at the same time. */
  readonly maxStreams: number;
}

/** The agent, whenever it changes. */
export interface Health {
  readonly kind: 'health';
  readonly serving: boolean;
  readonly why?: string;
  /** The agent stops for good: what is open on this link and never ends by itself should be ended now. */
  readonly stopping?: boolean;
}

/** The agent: a fresh token on the living link. */
export interface Renew {
  readonly kind: 'renew';
  readonly token: string;
}

/** The proxy, in answer to renew. */
export interface Renewed {
  readonly kind: 'renewed';
  /** The link lives as long as the fresh token; where it was not taken, as long as the one before. */
  readonly accepted: boolean;
  readonly why?: string;
}

export type Control = Hello | Welcome | Health | Renew | Renewed;

export function writeControl(control: Control): string {
  return JSON.stringify(control);
}

/**
 * Reads one text message. An object of an unknown `kind` is undefined: ignored, so that later versions can say more.
 * Fields that a kind does not have are dropped. Throws `ControlViolation`.
 */
export function readControl(text: string): Control | undefined {
  if (text.length > maxControlLength)
    throw new ControlViolation('control_too_long', 'a control message is over 64 KiB');
  const fields = new ControlFields(parseObject(text));
  const kind = fields.text('kind', maxNameLength);
  switch (kind) {
    case 'hello':
      return readHello(fields);
    case 'welcome':
      return {
        kind,
        node: fields.text('node', maxNameLength),
        urls: fields.texts('urls', maxTextLength),
        limits: { maxStreams: fields.object('limits').count('maxStreams') },
      };
    case 'health': {
      const why = fields.optionalText('why', maxTextLength);
      const stopping = fields.optionalFlag('stopping');
      return {
        kind,
        serving: fields.flag('serving'),
        ...(why === undefined ? {} : { why }),
        ...(stopping === undefined ? {} : { stopping }),
      };
    }
    case 'renew':
      return { kind, token: fields.text('token', maxTokenLength) };
    case 'renewed': {
      const why = fields.optionalText('why', maxTextLength);
      return { kind, accepted: fields.flag('accepted'), ...(why === undefined ? {} : { why }) };
    }
    default:
      return undefined;
  }
}

function readHello(fields: ControlFields): Hello {
  const options = fields.object('options');
  const hostHeader = options.optionalName('hostHeader', readAuthority);
  const wideStreams = options.optionalCount('wideStreams');
  return {
    kind: 'hello',
    version: fields.text('version', maxNameLength),
    instance: fields.text('instance', maxNameLength),
    backend: fields.name('backend', readBackendId),
    hosts: fields.names('hosts', readHostPattern),
    paths: fields.names('paths', readPathPrefix),
    options: {
      ...(hostHeader === undefined ? {} : { hostHeader }),
      ...(wideStreams === undefined ? {} : { wideStreams }),
    },
  };
}

function parseObject(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new ControlViolation('control_malformed', 'a control message is not a JSON object');
}
