import { test } from 'tap';
import { AuthError } from '../../shared/auth/auth-error.ts';
import { checkAsk } from '../../shared/auth/grant.ts';
import type { AgentGrant } from '../../shared/auth/grant.ts';

const expiresAtMs = 0;
const any: AgentGrant = { backends: ['shop', 'blog'], expiresAtMs };
const hosts: AgentGrant = { backends: ['shop'], hosts: ['a.example.com', '*.b.example.com'], expiresAtMs };
const paths: AgentGrant = { backends: ['shop'], paths: ['/api'], expiresAtMs };

interface Row {
  readonly grant: AgentGrant;
  /** What is asked for, as `backend hosts paths`; lists by commas. */
  readonly ask: readonly [backend: string, hosts?: string, paths?: string];
  readonly base?: string;
  /** What may be served, as `hosts paths`, or the refusal. */
  readonly gets: string;
}

const rows: readonly Row[] = [
  { grant: any, ask: ['shop'], gets: '* /' },
  { grant: any, ask: ['shop'], base: 't.example', gets: 'shop.t.example /' },
  { grant: any, ask: ['blog'], base: 't.example', gets: 'blog.t.example /' },
  { grant: { ...any, backends: ['Shop'] }, ask: ['Shop'], base: 't.example', gets: 'shop.t.example /' },
  { grant: any, ask: ['shop', 'x.org', '/x'], gets: 'x.org /x' },
  { grant: any, ask: ['shop', 'shop.t.example'], base: 't.example', gets: 'shop.t.example /' },
  {
    grant: any,
    ask: ['shop', 'blog.t.example'],
    base: 't.example',
    gets: 'route_not_granted: the token does not grant the host blog.t.example; it grants shop.t.example',
  },
  {
    grant: any,
    ask: ['shop', '*'],
    base: 't.example',
    gets: 'route_not_granted: the token does not grant the host *; it grants shop.t.example',
  },
  {
    grant: any,
    ask: ['cart'],
    gets: 'backend_not_granted: the token does not grant the backend cart; it grants shop, blog',
  },
  {
    grant: any,
    ask: ['SHOP'],
    gets: 'backend_not_granted: the token does not grant the backend SHOP; it grants shop, blog',
  },
  { grant: hosts, ask: ['shop'], gets: 'a.example.com,*.b.example.com /' },
  { grant: hosts, ask: ['shop'], base: 't.example', gets: 'a.example.com,*.b.example.com /' },
  { grant: hosts, ask: ['shop', 'x.b.example.com', '/x'], gets: 'x.b.example.com /x' },
  {
    grant: hosts,
    ask: ['shop', 'a.example.com,c.example.com'],
    gets: 'route_not_granted: the token does not grant the host c.example.com; it grants a.example.com, *.b.example.com',
  },
  {
    grant: hosts,
    ask: ['shop', 'shop.t.example'],
    base: 't.example',
    gets: 'route_not_granted: the token does not grant the host shop.t.example; it grants a.example.com, *.b.example.com',
  },
  { grant: paths, ask: ['shop'], gets: '* /api' },
  { grant: paths, ask: ['shop', '', '/api/v1,/api'], gets: '* /api/v1,/api' },
  {
    grant: paths,
    ask: ['shop', '', '/apis'],
    gets: 'route_not_granted: the token does not grant the path /apis; it grants /api',
  },
  {
    grant: paths,
    ask: ['shop', '', '/'],
    gets: 'route_not_granted: the token does not grant the path /; it grants /api',
  },
  {
    grant: { backends: ['a..b'], expiresAtMs },
    ask: ['a..b'],
    base: 't.example',
    gets: 'route_not_granted: the backend a..b makes no host name under t.example; its token must name hosts',
  },
];

function split(list = ''): string[] {
  return list === '' ? [] : list.split(',');
}

function outcome({ grant, ask: [backend, askedHosts, askedPaths], base }: Row): string {
  try {
    const granted = checkAsk(grant, { backend, hosts: split(askedHosts), paths: split(askedPaths) }, base);
    return `${granted.hosts.join(',')} ${granted.paths.join(',')}`;
  } catch (error) {
    if (!(error instanceof AuthError) || error.answer.status !== 403) throw error;
    return `${error.code}: ${error.message}`;
  }
}

test('an agent serves what its token grants: what it asks for, or the default, or nothing', (t) => {
  for (const row of rows) t.equal(outcome(row), row.gets, `${row.ask.join(' ')} ${row.base ?? ''}`);
  t.end();
});
