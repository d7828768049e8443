/** Who may use the backends, as settings: the default rule and how people sign in. */
import type { AccessRule } from './records/record.ts';
import { HtpasswdError, readHtpasswd } from './access/htpasswd.ts';
import { readAccessRule } from './access/rule.ts';
import { readAssertionKeys } from '../shared/auth/assertion.ts';
import { KeyError } from '../shared/auth/key-error.ts';
import { FormatViolation } from '../shared/config/format.ts';
import type { Format } from '../shared/config/format.ts';
import { readableFile } from '../shared/config/formats.ts';

const right =
  'give public, signed-in, or a list of addresses, domains, groups and subjects, as in alice@example.com,@example.com,group:staff';

function accessRule(): Format<AccessRule> {
  return {
    kind: 'rule',
    right,
    isList: true,
    read(raw) {
      const items = typeof raw === 'string' ? raw.split(',') : raw;
      const rule = readAccessRule(items.map((item) => item.trim()).filter((item) => item !== ''));
      if ('wrong' in rule)
        throw new FormatViolation(
          rule.wrong === '' ? 'names nobody' : `holds ${JSON.stringify(rule.wrong)}, which is none of these`,
        );
      return rule;
    },
  };
}

/** The path of a file whose content is looked at now: found out later, what is wrong in it would be told to nobody who can mend it. */
function goodFile(read: (text: string) => unknown): Format<string> {
  const file = readableFile();
  return {
    ...file,
    read(raw, readFile) {
      const path = file.read(raw, readFile);
      try {
        read(readFile(path));
      } catch (error) {
        if (error instanceof HtpasswdError || error instanceof KeyError)
          throw new FormatViolation(error.message, 'mend it');
        throw error;
      }
      return path;
    },
  };
}

export const accessSettings = {
  clientAccess: {
    env: 'CLIENT_ACCESS',
    format: accessRule(),
    default: 'public',
    example: '@example.com,group:staff',
    doc: 'Who may use a backend without a record of its own: public, signed-in, or addresses, @domains, group:names and subject:ids.',
  },
  basicAuthFile: {
    env: 'BASIC_AUTH_FILE',
    format: goodFile(readHtpasswd),
    example: '/etc/inverting-proxy/users',
    doc: 'Users with passwords (HTTP Basic), as `htpasswd -B` writes them: bcrypt only. Read again when it changes.',
  },
  assertionKeyFile: {
    env: 'ASSERTION_KEY_FILE',
    format: goodFile(readAssertionKeys),
    example: '/etc/inverting-proxy/assertions.pem',
    doc: 'The private key that signs who a user is, for backends; without it, one of this run. Read again when it changes.',
  },
} as const;
