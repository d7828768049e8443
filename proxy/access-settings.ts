/** Who may use the backends, as settings: the default rule and how people sign in. */
import type { AccessRule } from './records/record.ts';
import { readAccessRule } from './access/rule.ts';
import { FormatViolation } from '../shared/config/format.ts';
import type { Format } from '../shared/config/format.ts';

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

export const accessSettings = {
  clientAccess: {
    env: 'CLIENT_ACCESS',
    format: accessRule(),
    default: 'public',
    example: '@example.com,group:staff',
    doc: 'Who may use a backend without a record of its own: public, signed-in, or addresses, @domains, group:names and subject:ids.',
  },
} as const;
