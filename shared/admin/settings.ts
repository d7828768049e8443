/** The settings of the admin listener, the same for both programs but for the default of its port. */
import { host } from '../config/addresses.ts';
import type { Check, Settings } from '../config/declaration.ts';
import { scalar } from '../config/format.ts';
import type { Format } from '../config/format.ts';
import { readDigits, secret } from '../config/formats.ts';
import { isLoopback } from '../net/loopback.ts';

/** Out of reach of guessing, also where it was written in hex. */
const minTokenBytes = 32;

/** A port as `port()` takes it, or the word that there is to be no listener. */
function portOrOff(): Format<number | 'off'> {
  return scalar({
    kind: 'port',
    right: 'give a number from 0 to 65535, or off',
    parse: (raw) => {
      if (raw === 'off') return raw;
      const value = readDigits(raw);
      return value !== undefined && value <= 65_535 ? value : undefined;
    },
  });
}

/** @param port the default: a port, or `off` */
export function adminSettings(port: string) {
  return {
    adminHost: {
      env: 'ADMIN_HOST',
      format: host(),
      default: '127.0.0.1',
      doc: 'The address that health, metrics and the list of tunnels are served on; beyond loopback it takes ADMIN_TOKEN.',
    },
    adminPort: {
      env: 'ADMIN_PORT',
      format: portOrOff(),
      default: port,
      doc: 'Their port; 0 takes a free one, off serves them nowhere.',
    },
    adminToken: {
      env: 'ADMIN_TOKEN',
      format: secret(minTokenBytes),
      doc: 'What a request there must carry, as Authorization: Bearer, but for /healthz and /readyz. Without it, nothing.',
    },
  } as const;
}

export type AdminSettings = Settings<ReturnType<typeof adminSettings>>;

export const adminChecks: readonly Check<AdminSettings>[] = [
  {
    of: ['adminHost', 'adminPort', 'adminToken'],
    wrong: ({ adminHost, adminPort, adminToken }) =>
      adminPort === 'off' || adminToken !== undefined || isLoopback(adminHost)
        ? undefined
        : `ADMIN_TOKEN is missing while ADMIN_HOST=${adminHost} lets others in: give a token of at least ` +
          `${minTokenBytes} bytes, or listen on 127.0.0.1`,
  },
];
