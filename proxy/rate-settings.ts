/** Rates as settings: how often, how many at once, how many failures. It does not know how they are counted. */
import type { Settings } from '../shared/config/declaration.ts';
import { integer } from '../shared/config/formats.ts';
import { duration } from '../shared/config/measures.ts';
import type { RateLimits } from './access/rates.ts';

/** Far beyond what one proxy can do. */
const most = 1_000_000_000;

export const rateSettings = {
  maxRequestsPerSecondPerAddress: {
    env: 'MAX_REQUESTS_PER_SECOND_PER_ADDRESS',
    format: integer(0, most),
    default: '0',
    doc: 'Requests a second of one IPv4 address or one IPv6 /64; beyond, 429. So many may come at once. 0 is no limit.',
  },
  maxConcurrentRequestsPerAddress: {
    env: 'MAX_CONCURRENT_REQUESTS_PER_ADDRESS',
    format: integer(0, most),
    default: '0',
    doc: 'Requests of one address at the same time, WebSockets among them; beyond, 429. 0 is no limit.',
  },
  maxRequestsPerSecondPerBackend: {
    env: 'MAX_REQUESTS_PER_SECOND_PER_BACKEND',
    format: integer(0, most),
    default: '0',
    doc: 'Requests a second to one backend whose record says nothing else; beyond, 429. 0 is no limit.',
  },
  maxConcurrentRequestsPerBackend: {
    env: 'MAX_CONCURRENT_REQUESTS_PER_BACKEND',
    format: integer(0, most),
    default: '0',
    doc: 'Requests to one backend at the same time, where its record says nothing else; beyond, 429. 0 is no limit.',
  },
  maxRequestsPerSecondPerUser: {
    env: 'MAX_REQUESTS_PER_SECOND_PER_USER',
    format: integer(0, most),
    default: '0',
    doc: 'Requests a second of one user who had to say who they are; beyond, 429. 0 is no limit.',
  },
  maxConcurrentRequestsPerUser: {
    env: 'MAX_CONCURRENT_REQUESTS_PER_USER',
    format: integer(0, most),
    default: '0',
    doc: 'Requests of one such user at the same time; beyond, 429. 0 is no limit.',
  },
  maxFailuresPerAddress: {
    env: 'MAX_FAILURES_PER_ADDRESS',
    format: integer(0, 1_000_000),
    default: '30',
    doc: "Bad agents' tokens, passwords and sign-ins of one address within FAILURE_WINDOW; beyond, 429. 0 is no limit.",
  },
  failureWindowMs: {
    env: 'FAILURE_WINDOW',
    format: duration(),
    default: '1m',
    doc: 'How long failures of an address count, from the first of them on.',
  },
} as const;

export function rateLimits(settings: Settings<typeof rateSettings>): RateLimits {
  return {
    address: {
      perSecond: limit(settings.maxRequestsPerSecondPerAddress),
      concurrent: limit(settings.maxConcurrentRequestsPerAddress),
    },
    backend: {
      perSecond: limit(settings.maxRequestsPerSecondPerBackend),
      concurrent: limit(settings.maxConcurrentRequestsPerBackend),
    },
    user: {
      perSecond: limit(settings.maxRequestsPerSecondPerUser),
      concurrent: limit(settings.maxConcurrentRequestsPerUser),
    },
  };
}

function limit(count: number): number | undefined {
  return count === 0 ? undefined : count;
}
