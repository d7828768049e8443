/** Files in htpasswd's format: who is in them, and what is said of each line that is no good. */
import { test } from 'tap';
import { HtpasswdError, maxUsers, readHtpasswd } from '../../proxy/access/htpasswd.ts';

const rest = `${'a'.repeat(22)}${'./Zz09'.repeat(5)}b`;
const hash = `$2y$10$${rest}`;

test('each user with their hash, whatever stands between', (t) => {
  const text = `# who may enter\r\nalice:${hash}\r\n\r\n  \nbob@example.com:$2a$04$${rest}\nJörg B.:$2b$15$${rest}`;
  t.strictSame(
    [...readHtpasswd(text)],
    [
      ['alice', hash],
      ['bob@example.com', `$2a$04$${rest}`],
      ['Jörg B.', `$2b$15$${rest}`],
    ],
  );
  t.end();
});

const onlyBcrypt = 'only bcrypt is taken, as `htpasswd -B` makes it';
const wrong: readonly (readonly [what: string, text: string, message: string])[] = [
  ['nobody', '# nobody\n', 'names nobody'],
  ['an empty file', '', 'names nobody'],
  ['no colon', `alice:${hash}\n${hash}`, 'line 2 has no colon: give name:hash'],
  ['no name', `:${hash}`, 'line 1 has no name before its colon'],
  [
    'a control character',
    `a\tb:${hash}`,
    'line 1 has a name of more than 255 bytes, or with control characters',
  ],
  [
    'a long name',
    `${'é'.repeat(128)}:${hash}`,
    'line 1 has a name of more than 255 bytes, or with control characters',
  ],
  [
    'a name twice',
    `\nalice:${hash}\nbob:${hash}\nalice:${hash}`,
    'line 4 names somebody who stands in a line before it',
  ],
  ['MD5', 'alice:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/', `line 1 has a hash of the kind MD5: ${onlyBcrypt}`],
  ['SHA-1', 'alice:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=', `line 1 has a hash of the kind SHA-1: ${onlyBcrypt}`],
  ['SHA-256', 'alice:$5$rounds=5000$a$b', `line 1 has a hash of the kind SHA-256: ${onlyBcrypt}`],
  ['SHA-512', 'alice:$6$a$b', `line 1 has a hash of the kind SHA-512: ${onlyBcrypt}`],
  ['Argon2', 'alice:$argon2id$v=19$m=1,t=1,p=1$a$b', `line 1 has a hash of the kind Argon2: ${onlyBcrypt}`],
  [
    'the broken bcrypt',
    `alice:$2x$10$${rest}`,
    `line 1 has a hash of the kind the broken bcrypt of 2011: ${onlyBcrypt}`,
  ],
  ['crypt', 'alice:rqXexS6ZhobKA', `line 1 has a password that is no bcrypt hash: ${onlyBcrypt}`],
  ['plain text', 'alice:correct horse', `line 1 has a password that is no bcrypt hash: ${onlyBcrypt}`],
  [
    'a hash cut short',
    `alice:${hash.slice(0, -1)}`,
    `line 1 has a password that is no bcrypt hash: ${onlyBcrypt}`,
  ],
  ['something behind it', `alice:${hash}:x`, `line 1 has a password that is no bcrypt hash: ${onlyBcrypt}`],
  ['too cheap', `alice:$2y$03$${rest}`, 'line 1 has a bcrypt hash of the cost 03: give one from 4 to 15'],
  ['too dear', `alice:$2y$16$${rest}`, 'line 1 has a bcrypt hash of the cost 16: give one from 4 to 15'],
  [
    'too many',
    Array.from({ length: maxUsers + 1 }, (_, index) => `u${String(index)}:${hash}`).join('\n'),
    'line 10001 is one user too many: at most 10000 can be in the file',
  ],
];

for (const [what, text, message] of wrong) {
  test(`refused: ${what}`, (t) => {
    t.throws(() => readHtpasswd(text), new HtpasswdError(message));
    t.end();
  });
}
