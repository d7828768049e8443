/** Passwords: what they cost, how many are checked at once, and what is known of those that were. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { test } from 'tap';
import { maxPasswordBytes, Passwords } from '../../proxy/access/passwords.ts';
import type { PasswordVerdict } from '../../proxy/access/passwords.ts';

const hashes = new Map([
  ['alice', 'hash of a'],
  ['bob', 'hash of b'],
]);

/** Hashes whose computing the test ends. */
function bench() {
  const clock = { nowMs: 0 };
  const computed: string[] = [];
  const open: (() => void)[] = [];
  const compare = (password: string, hash: string): Promise<boolean> => {
    computed.push(`${password} as ${hash}`);
    return new Promise((resolve) => open.push(() => resolve(hash === `hash of ${password}`)));
  };
  const passwords = new Passwords({ compare, now: () => clock.nowMs });
  let addresses = 0;
  /** Each from an address of its own, but where the address is given. */
  const check = (name: string, password: string, address?: string) =>
    passwords.check(hashes, name, password, address ?? `192.0.2.${String((addresses += 1) % 250)}`);
  const settle = async (verdict: PasswordVerdict | Promise<PasswordVerdict>): Promise<PasswordVerdict> => {
    while (open.length > 0) open.shift()?.();
    return verdict;
  };
  return { clock, computed, open, check, settle, passwords };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('right and wrong, and both are known for a while', async (t) => {
  const { clock, computed, check, settle } = bench();
  const first = check('alice', 'a');
  await turn();
  t.equal(await settle(first), 'right');
  const second = check('alice', 'b');
  await turn();
  t.equal(await settle(second), 'wrong');
  t.equal(check('alice', 'a'), 'right', 'at once');
  t.equal(check('alice', 'b'), 'wrong', 'at once');
  clock.nowMs = 59_999;
  t.equal(check('alice', 'b'), 'wrong');
  clock.nowMs = 60_000;
  const third = check('alice', 'b');
  await turn();
  t.equal(await settle(third), 'wrong');
  t.equal(check('alice', 'a'), 'right');
  clock.nowMs = 600_000;
  t.ok(check('alice', 'a') instanceof Promise, 'known no longer');
  await turn();
  t.equal(computed.length, 4);
});

test('what is known of a password ends with the hash that it was compared with', async (t) => {
  const { passwords, check, settle } = bench();
  const first = check('alice', 'a');
  await turn();
  t.equal(await settle(first), 'right');
  const gone = passwords.check(new Map([['bob', 'hash of b']]), 'alice', 'a', '192.0.2.1');
  await turn();
  t.equal(await settle(gone), 'wrong', 'who is no longer in the file');
  const changed = passwords.check(new Map([['alice', 'hash of c']]), 'alice', 'a', '192.0.2.1');
  await turn();
  t.equal(await settle(changed), 'wrong', 'who has another password now');
});

test('nobody costs what somebody costs, and is compared with the same hash each time', async (t) => {
  const { clock, computed, check, settle } = bench();
  for (const password of ['a', 'b', 'a', 'b']) {
    const verdict = check('mallory', password);
    await turn();
    t.equal(
      await settle(verdict),
      'wrong',
      'also where the password is that of whose hash it was compared with',
    );
    clock.nowMs += 60_000;
  }
  t.equal(computed.length, 4, 'each time');
  t.equal(new Set(computed).size, 2);
  for (let name = 0; name < 50; name += 1) {
    const verdict = check(`nobody-${String(name)}`, 'x');
    await turn();
    await settle(verdict);
  }
  t.equal(new Set(computed.slice(4)).size, 2, 'with everybody in turn, as costs may differ');
});

test('passwords of which bcrypt would see the beginning alone are wrong', async (t) => {
  const { check, settle } = bench();
  t.equal(check('alice', 'a'.repeat(maxPasswordBytes + 1)), 'wrong');
  t.equal(check('alice', 'é'.repeat(37)), 'wrong', 'bytes count');
  t.equal(check('alice', 'a\0b'), 'wrong');
  const longest = check('alice', 'a'.repeat(maxPasswordBytes));
  t.ok(longest instanceof Promise, 'one that is seen whole is checked');
  await turn();
  await settle(longest);
});

test('two are computed at once, 64 wait, and one more is told to come again', async (t) => {
  const { computed, open, check } = bench();
  const waiting = Array.from({ length: 66 }, (_, index) => check('alice', `x${String(index)}`));
  await turn();
  t.equal(computed.length, 2);
  t.equal(check('alice', 'one more'), 'busy');
  t.equal(check('alice', 'x7'), waiting[7], 'the same is checked once');
  for (let ended = 0; ended < 66; ended += 1) {
    t.ok(open.length <= 2, 'never more at once');
    open.shift()?.();
    await turn();
  }
  t.strictSame(new Set(await Promise.all(waiting.map(async (verdict) => verdict))), new Set(['wrong']));
  t.equal(computed.length, 66);
  t.ok(check('alice', 'one more') instanceof Promise, 'there is room again');
});

test('one address waits eight times and leaves the queue to others', async (t) => {
  const { open, check } = bench();
  const from = (address: string, at: number) => check('alice', `${address} ${String(at)}`, address);
  const flood = Array.from({ length: 8 }, (_, at) => from('2001:db8::1', at));
  t.equal(from('2001:db8::2', 8), 'busy', 'of its /64');
  t.ok(from('2001:db8:0:1::1', 0) instanceof Promise);
  t.ok(from('192.0.2.1', 0) instanceof Promise);
  for (let ended = 0; ended < 10; ended += 1) {
    await turn();
    open.shift()?.();
  }
  await Promise.all(flood.map(async (verdict) => verdict));
  t.ok(from('2001:db8::2', 9) instanceof Promise, 'and may come again');
});

test('a flood of wrong passwords does not drive out who is known', async (t) => {
  const { open, check, settle } = bench();
  const alice = check('alice', 'a');
  await turn();
  await settle(alice);
  for (let index = 0; index < 10_100; index += 1) {
    const verdict = check('alice', `wrong ${String(index)}`);
    if (verdict instanceof Promise) {
      await Promise.resolve();
      open.shift()?.();
      await verdict;
    }
  }
  t.equal(check('alice', 'a'), 'right');
  t.ok(check('alice', 'wrong 0') instanceof Promise, 'the oldest is forgotten');
});
