/**
 * No regular expression over bytes of the network that is not linear and length-bounded: every literal of the programs is found, held
 * to be linear, and its file says how much it may be given.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { expressionsIn } from './regex/find.ts';
import { whyNotLinear } from './regex/linear.ts';

const root = new URL('../../', import.meta.url);

/** What a file's expressions are given at most, in bytes, and what bounds it. */
type Bound = readonly [bytes: number, by: string];

const HEAD: Bound = [65_536, 'the limit of a head (rules 4, 34)'];
const SETTING: Bound = [Infinity, 'a setting, which no peer can choose'];

const LOCAL: Bound = [Infinity, 'what the system says of itself'];

const bounds: Readonly<Record<string, Bound>> = {
  'shared/auth/client-credentials.ts': [200, 'cut before it is looked at'],
  'shared/auth/verifier.ts': [8_208, 'the longest token and its scheme, looked at first'],
  'shared/http1/extra.ts': HEAD,
  'shared/http1/target.ts': HEAD,
  'shared/log/mask.ts': [65_536, 'what is logged of a message is a part of its head'],
  'shared/log/record-line.ts': [65_536, 'what is logged of a message is a part of its head'],
  'shared/protocol/grammar.ts': [
    65_536,
    'a control message or a head; and the length of each name is looked at first',
  ],
  'shared/run/container-health.ts': LOCAL,
  'shared/transport/websocket/dial-error.ts': [
    16_384,
    'the answer to the upgrade: its head is bounded by its reader, its body at 4 KiB',
  ],
  'proxy/accept.ts': HEAD,
  'proxy/access/basic.ts': HEAD,
  'proxy/access/htpasswd.ts': HEAD,
  'proxy/access/bearer.ts': [8_208, 'the longest token, looked at first'],
  'proxy/access/readings.ts': HEAD,
  'proxy/routing/routes.ts': [65_536, 'a path prefix of a token or a record: its length is looked at first'],
  'proxy/access/sign-in.ts': HEAD,
  'proxy/access/site.ts': HEAD,
  'shared/auth/identity-provider.ts': [1_048_576, 'what a provider answers, bounded when it is fetched'],
  'shared/auth/profile.ts': [
    1_048_576,
    'a token, or what a provider answers; the length of each claim is looked at first',
  ],
  'proxy/access/rule.ts': [
    65_536,
    'an entry of a rule, or an address in a token: its length is looked at first',
  ],
  'proxy/access/identity.ts': [65_536, 'what a token or a cookie holds'],
  'proxy/escape.ts': [65_536, 'what a token or a cookie holds'],
  'proxy/admin/revocations.ts': [40, 'a time, whose length is looked at first'],
  'proxy/proxy.ts': HEAD,
  'shared/net/networks.ts': HEAD,
  'proxy/edge/proxy-protocol.ts': [107, 'the line of the PROXY protocol'],
};

/** Their expressions read settings. */
const settings = [
  'shared/config/',
  'agent/config.ts',
  'agent/backend-address.ts',
  'shared/transport/websocket/dial.ts',
  'agent/connector/no-proxy.ts',
  'proxy/config.ts',
  'proxy/sign-in-settings.ts',
  'proxy/main.ts',
];

function boundOf(file: string): Bound | undefined {
  return settings.some((path) => file.startsWith(path)) ? SETTING : bounds[file];
}

/** Not understood by `whyNotLinear`, and linear for a reason of their own. */
const byHand: Readonly<Record<string, string>> = {
  '/(?<=\\bBearer )[^\\s"\\\\]+|(?<=:\\/\\/)[^\\s"/@\\\\]+(?=@)/gi':
    'a run is only begun behind `Bearer ` or `://`, which cannot stand within a run of the second kind; the first kind cannot fail',
};

/** Found not to be linear and to be replaced; nothing may join them. */
const known: ReadonlySet<string> = new Set();

const files = ['shared', 'proxy', 'agent'].flatMap((room) =>
  readdirSync(new URL(room, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${room}/${file.replaceAll('\\', '/')}`),
);
const found = files.flatMap((file) =>
  expressionsIn(readFileSync(new URL(file, root), 'utf8')).map(({ literal, line }) => ({
    file,
    literal,
    line,
  })),
);

test('every expression is linear', (t) => {
  t.ok(found.length > 20, `${found.length} literals in ${files.length} files`);
  for (const { file, literal, line } of found) {
    if (byHand[literal] === undefined && !known.has(literal))
      t.equal(whyNotLinear(literal), undefined, `${file}:${line} ${literal}`);
  }
  const literals = new Set(found.map(({ literal }) => literal));
  t.strictSame(
    Object.keys(byHand).filter((literal) => !literals.has(literal)),
    [],
    'those judged by hand are still there',
  );
  t.end();
});

test('every file that has one says how much it is given', (t) => {
  const withOne = new Set(found.map(({ file }) => file));
  t.strictSame(
    [...withOne].filter((file) => boundOf(file) === undefined),
    [],
    'give it a bound here, with what sets it',
  );
  t.end();
});

test('no expression is made at run time', (t) => {
  const made = files.filter((file) => /\bRegExp\(/.test(readFileSync(new URL(file, root), 'utf8')));
  t.strictSame(made, []);
  t.end();
});

test('the judge: what it lets pass and what it does not', (t) => {
  const linear = [
    /^a*$/,
    /^a*b*$/,
    /^(?:ab?)*$/,
    /^[a-z-]*[a-z]$/,
    /[^a]/g,
    /^(?:a|b)*c/,
    /eyJ[\w-]{8,}(?:\.[\w-]*)*/g,
    /^a{1,9}a{1,9}$/,
    /^(?:ab*|a[^c]*)$/,
  ];
  for (const { source, flags } of linear) t.equal(whyNotLinear(`/${source}/${flags}`), undefined, source);
  const not = [
    // Twice as long, four times as much: what is read by one may be read by the next.
    /^a*a*$/,
    /^\s*\w*\s*x/,
    /^a*[^b]*c/,
    // Twice as long, squared.
    /^(?:a*)*$/,
    /^(?:a|a)*$/,
    /^(?:a+b?)+$/,
    /^(?:a{1,9}){1,9}$/,
    // Tried at every place.
    /a*b/,
    / +$/,
    /[ \t]*\r/,
    // Not understood.
    /(?=a)a*/,
    /^(a)\1*$/,
    /^a*?b/,
    /^a$b/,
  ];
  for (const { source, flags } of not)
    t.ok(whyNotLinear(`/${source}/${flags}`), `${source}: ${whyNotLinear(`/${source}/${flags}`)}`);
  // The two of http-parser-js that read a head.
  t.ok(whyNotLinear(String.raw`/^[ \t]+(.*[^ \t])/`), 'its folded lines');
  t.ok(whyNotLinear(String.raw`/^([^: \t]+):[ \t]*((?:.*[^ \t])|)/`), 'its fields');
  t.end();
});

test('the finder: what is an expression and what is none', (t) => {
  const source = [
    'const a = /x\\/[/]y/gi; // /no/',
    'const b = c / d / e;',
    "const f = '/no/'; const g = `/no/ ${h.test(/yes/) ? 'a' : `${/deep/}`} /no/`;",
    '/* /no/ */ return /z/.test(x[0] / 2);',
    'if (/q/.test((1) / 2)) i++ / 2;',
  ].join('\n');
  t.strictSame(
    expressionsIn(source).map(({ literal, line }) => `${line} ${literal}`),
    ['1 /x\\/[/]y/gi', '3 /yes/', '3 /deep/', '4 /z/', '5 /q/'],
  );
  t.end();
});
