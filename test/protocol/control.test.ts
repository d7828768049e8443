import * as fc from 'fast-check';
import { test } from 'tap';
import { ControlViolation } from '../../shared/protocol/control-violation.ts';
import { maxControlLength, readControl, writeControl } from '../../shared/protocol/control.ts';
import type { Control } from '../../shared/protocol/control.ts';

const hello = {
  kind: 'hello',
  version: '0.1.0',
  instance: 'b9b2a3c4',
  backend: 'shop',
  hosts: ['a.example.com'],
  paths: ['/api'],
  options: {},
} as const;
const welcome = {
  kind: 'welcome',
  node: 'n1',
  urls: ['https://a.example.com/'],
  limits: { maxStreams: 10_000 },
} as const;

function helloWith(change: object): string {
  return JSON.stringify({ ...hello, ...change });
}

function welcomeWith(change: object): string {
  return JSON.stringify({ ...welcome, ...change });
}

test('every message comes back as it was written', (t) => {
  const messages: readonly Control[] = [
    hello,
    { ...hello, options: { hostHeader: 'localhost:3000' } },
    welcome,
    { kind: 'health', serving: true },
    { kind: 'health', serving: false, why: 'GET /healthz: 500' },
    { kind: 'renew', token: 'eyJ.eyJ.sig' },
  ];
  for (const message of messages) t.strictSame(readControl(writeControl(message)), message, message.kind);
  t.end();
});

test('an unknown kind is ignored, and so are unknown fields of a known one', (t) => {
  t.equal(readControl('{"kind":"later","x":1}'), undefined);
  t.strictSame(readControl('{"kind":"health","serving":true,"later":[1]}'), {
    kind: 'health',
    serving: true,
  });
  t.end();
});

test('names in hello come out in their normal form', (t) => {
  const text = JSON.stringify({
    ...hello,
    hosts: ['A.Example.com.'],
    paths: ['/api/'],
    options: { hostHeader: 'B.c:080' },
  });
  t.strictSame(readControl(text), { ...hello, options: { hostHeader: 'b.c:80' } });
  t.end();
});

test('what no peer sends is a violation that names the field and closes with 1002', (t) => {
  const malformed = 'a control message is not a JSON object';
  const rows: readonly (readonly [text: string, code: string, message: string])[] = [
    ['', 'control_malformed', malformed],
    ['{', 'control_malformed', malformed],
    ['null', 'control_malformed', malformed],
    ['[]', 'control_malformed', malformed],
    ['"hello"', 'control_malformed', malformed],
    ['1', 'control_malformed', malformed],
    ['['.repeat(60_000), 'control_malformed', malformed],
    [' '.repeat(maxControlLength + 1), 'control_too_long', 'a control message is over 64 KiB'],
    ['{}', 'control_field', "a control message's kind is not a string of at most 64 characters"],
    ['{"kind":1}', 'control_field', "a control message's kind is not a string of at most 64 characters"],
    [
      '{"__proto__":{"kind":"health","serving":true}}',
      'control_field',
      "a control message's kind is not a string of at most 64 characters",
    ],
    [
      helloWith({ version: 'v'.repeat(65) }),
      'control_field',
      "a control message's version is not a string of at most 64 characters",
    ],
    [
      helloWith({ instance: 7 }),
      'control_field',
      "a control message's instance is not a string of at most 64 characters",
    ],
    [helloWith({ backend: 'a b' }), 'control_field', "a control message's backend is not well-formed"],
    [helloWith({ hosts: 'a.b' }), 'control_field', "a control message's hosts is not a list of at most 32"],
    [
      helloWith({ hosts: Array.from({ length: 33 }, () => 'a.b') }),
      'control_field',
      "a control message's hosts is not a list of at most 32",
    ],
    [
      helloWith({ hosts: ['a..b'] }),
      'control_field',
      "a control message's hosts is not a list of well-formed strings",
    ],
    [
      helloWith({ hosts: [null] }),
      'control_field',
      "a control message's hosts is not a list of well-formed strings",
    ],
    [
      helloWith({ paths: ['api'] }),
      'control_field',
      "a control message's paths is not a list of well-formed strings",
    ],
    [helloWith({ options: undefined }), 'control_field', "a control message's options is not an object"],
    [helloWith({ options: [] }), 'control_field', "a control message's options is not an object"],
    [
      helloWith({ options: { hostHeader: 'a\r\nX: y' } }),
      'control_field',
      "a control message's options.hostHeader is not well-formed",
    ],
    [
      welcomeWith({ node: null }),
      'control_field',
      "a control message's node is not a string of at most 64 characters",
    ],
    [
      welcomeWith({ urls: ['x'.repeat(2049)] }),
      'control_field',
      "a control message's urls is not a list of well-formed strings",
    ],
    [welcomeWith({ limits: null }), 'control_field', "a control message's limits is not an object"],
    [
      welcomeWith({ limits: { maxStreams: -1 } }),
      'control_field',
      "a control message's limits.maxStreams is not a whole number",
    ],
    [
      welcomeWith({ limits: { maxStreams: 1.5 } }),
      'control_field',
      "a control message's limits.maxStreams is not a whole number",
    ],
    ['{"kind":"health"}', 'control_field', "a control message's serving is not true or false"],
    ['{"kind":"health","serving":1}', 'control_field', "a control message's serving is not true or false"],
    [
      '{"kind":"health","serving":true,"why":3}',
      'control_field',
      "a control message's why is not a string of at most 2048 characters",
    ],
    [
      '{"kind":"renew"}',
      'control_field',
      "a control message's token is not a string of at most 8192 characters",
    ],
    [
      JSON.stringify({ kind: 'renew', token: 'x'.repeat(8193) }),
      'control_field',
      "a control message's token is not a string of at most 8192 characters",
    ],
  ];
  for (const [text, code, message] of rows) {
    try {
      readControl(text);
      t.fail(`accepted: ${text.slice(0, 80)}`);
    } catch (error) {
      const said =
        error instanceof ControlViolation
          ? `${error.answer.closeCode} ${error.code}: ${error.message}`
          : error;
      t.equal(said, `1002 ${code}: ${message}`, text.slice(0, 60));
    }
  }
  t.end();
});

test('whatever the text, the outcome is a message, nothing, or a violation', (t) => {
  const kinds = fc.constantFrom('hello', 'welcome', 'health', 'renew', 'later');
  const fields = fc.dictionary(
    fc.constantFrom(
      'version',
      'instance',
      'backend',
      'hosts',
      'paths',
      'options',
      'node',
      'urls',
      'limits',
      'serving',
      'why',
      'token',
    ),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ kind: kinds, rest: fields }).map(({ kind, rest }) => JSON.stringify({ kind, ...rest })),
  );
  const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 500);
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const control = readControl(text);
        // What was read once is in normal form: it comes back the same.
        return (
          control === undefined ||
          JSON.stringify(readControl(writeControl(control))) === writeControl(control)
        );
      } catch (error) {
        return error instanceof ControlViolation;
      }
    }),
    { numRuns },
  );
  t.end();
});
