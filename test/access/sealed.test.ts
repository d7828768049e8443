/** What browsers keep for the proxy: sealed, and nothing to anybody but the one who sealed it for that purpose. */
import { base64url, CompactEncrypt, SignJWT } from 'jose';
import { test } from 'tap';
import { createSealer } from '../../shared/auth/sealed.ts';

const one = 'one secret of more than thirty-two bytes';
const two = 'two secrets of more than thirty-two bytes';
const session = createSealer({ secrets: [one], purpose: 'session' });

test('what was sealed is opened, and tells nothing', async (t) => {
  const sealed = await session.seal({ s: 'alice@example.com' });
  t.strictSame(await session.open(sealed), { s: 'alice@example.com' });
  const parts = sealed.split('.');
  t.equal(parts.length, 5);
  t.strictSame(JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString()), {
    alg: 'dir',
    enc: 'A256GCM',
  });
  t.notMatch(Buffer.from(sealed.replaceAll('.', ''), 'base64url').toString('latin1'), 'alice');
  t.not(await session.seal({ s: 'alice@example.com' }), sealed, 'never twice the same');
});

test('the first secret seals, all of them open', async (t) => {
  const rotated = createSealer({ secrets: [two, one], purpose: 'session' });
  t.strictSame(await rotated.open(await session.seal({ a: 1 })), { a: 1 }, 'what the old one sealed');
  t.equal(await session.open(await rotated.seal({ a: 1 })), undefined, 'sealed by the new one');
  const done = createSealer({ secrets: [two], purpose: 'session' });
  t.strictSame(await done.open(await rotated.seal({ a: 1 })), { a: 1 });
  t.equal(await done.open(await session.seal({ a: 1 })), undefined, 'the old one is gone');
});

test('what is sealed for one purpose is nothing for another', async (t) => {
  const signIn = createSealer({ secrets: [one], purpose: 'sign-in' });
  t.equal(await session.open(await signIn.seal({ a: 1 })), undefined);
  t.equal(await signIn.open(await session.seal({ a: 1 })), undefined);
});

test('every changed character is noticed', async (t) => {
  const sealed = await session.seal({ a: 1 });
  const changed = Array.from(sealed, (char, at) => {
    const other = char === '.' ? 'A' : char === 'A' ? 'B' : 'A';
    return sealed.slice(0, at) + other + sealed.slice(at + 1);
  });
  const opened = await Promise.all(changed.map((text) => session.open(text)));
  // The last character of a part may hold bits that mean nothing (RFC 4648 §3.5): then it is the same seal.
  const meant = opened.filter((content) => content !== undefined);
  t.ok(meant.length <= 4, `${meant.length}`);
  for (const content of meant) t.strictSame(content, { a: 1 });
});

test('what is none of ours is nothing', async (t) => {
  const key = new TextEncoder().encode(one).slice(0, 32);
  const plain = new TextEncoder().encode('{"a":1}');
  const header = base64url.encode(JSON.stringify({ alg: 'none' }));
  const texts = [
    '',
    '.',
    '....',
    'a.b.c.d.e',
    `${header}.${base64url.encode('{"a":1}')}.`,
    await new SignJWT({ a: 1 }).setProtectedHeader({ alg: 'HS256' }).sign(key),
    await new CompactEncrypt(plain).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key),
    await new CompactEncrypt(plain)
      .setProtectedHeader({ alg: 'PBES2-HS256+A128KW', enc: 'A256GCM' })
      .encrypt(new TextEncoder().encode(one)),
    'x'.repeat(5_000),
  ];
  for (const opened of await Promise.all(texts.map((text) => session.open(text)))) t.equal(opened, undefined);
});
