/** Which backend a host and a path belong to. */
import { test } from 'tap';
import { RouteTable } from '../../proxy/routing/routes.ts';

/** `host path → id`, one a line. */
function tableOf(routes: readonly string[]): RouteTable {
  const table = new RouteTable();
  for (const line of routes) {
    const [host = '', path = '', id = ''] = line.split(/\s+/);
    table.set({ host, path }, id);
  }
  return table;
}

interface Row {
  readonly says: string;
  readonly routes: readonly string[];
  /** `host path id`; `-`: none. */
  readonly asks: readonly string[];
}

const rows: Row[] = [
  { says: 'nothing is routed where there is nothing', routes: [], asks: ['a.example.com / -', '* / -'] },
  {
    says: 'a host is compared whole',
    routes: ['a.example.com / a'],
    asks: [
      'a.example.com / a',
      'a.example.com /x/y a',
      'b.example.com / -',
      'example.com / -',
      'x.a.example.com / -',
      'aa.example.com / -',
    ],
  },
  {
    says: 'a wildcard stands for exactly one label',
    routes: ['*.example.com / w'],
    asks: [
      'a.example.com / w',
      'a.b.example.com / -',
      'example.com / -',
      '.example.com / -',
      'aexample.com / -',
      '*.example.com / w',
    ],
  },
  {
    says: 'the host itself, then its wildcard, then any host; the most specific that has a path for it',
    routes: ['a.example.com / exact', '*.example.com / wild', '* / any'],
    asks: [
      'a.example.com / exact',
      'b.example.com / wild',
      'b.c.example.com / any',
      'localhost / any',
      '127.0.0.1 / any',
      '[::1] / any',
    ],
  },
  {
    says: 'a host that has routes, and none for the path, leaves it to the next',
    routes: ['a.example.com /api exact', '*.example.com /docs wild', '* / any'],
    asks: [
      'a.example.com /api/1 exact',
      'a.example.com /docs wild',
      'a.example.com / any',
      'b.example.com /api any',
    ],
  },
  {
    says: 'a prefix covers itself and what is below it, on the border of a segment',
    routes: ['* /api a'],
    asks: [
      'x /api a',
      'x /api/ a',
      'x /api/v1 a',
      'x /apix -',
      'x /ap -',
      'x / -',
      'x /x/api -',
      'x /API -',
      'x * -',
      'x //api -',
      'x /%61pi -',
      'x /api%2f -',
    ],
  },
  {
    says: 'the longest prefix wins, whatever the order they came in',
    routes: ['* / root', '* /a/b/c abc', '* /a a', '* /a/b ab', '* /a/bb abb'],
    asks: [
      'x / root',
      'x /b root',
      'x /a a',
      'x /a/ a',
      'x /a/x a',
      'x /a/b ab',
      'x /a/b/ ab',
      'x /a/b/c abc',
      'x /a/b/c/d abc',
      'x /a/bb abb',
      'x /a/bbb a',
      'x /ab root',
    ],
  },
  {
    says: 'under each host its own prefixes',
    routes: ['a /x ax', 'b /x bx', 'a / a'],
    asks: ['a /x ax', 'b /x bx', 'a /y a', 'b /y -'],
  },
  {
    says: 'a route that is set again has the last holder',
    routes: ['a / one', 'a / two'],
    asks: ['a / two'],
  },
  {
    says: 'OPTIONS * is under / alone',
    routes: ['a / a', 'b /x b'],
    asks: ['a * a', 'b * -'],
  },
];

test('each ask finds its backend', (t) => {
  for (const { says, routes, asks } of rows) {
    const table = tableOf(routes);
    for (const ask of asks) {
      const [host = '', path = '', id] = ask.split(' ');
      t.equal(table.find(host, path) ?? '-', id, `${says}: ${ask}`);
    }
  }
  t.end();
});

test('what is deleted is gone, the rest stays, and the count is right', (t) => {
  const table = tableOf(['a / root', 'a /x ax', 'b / b']);
  t.equal(table.size, 3);
  table.set({ host: 'a', path: '/x' }, 'other');
  t.equal(table.size, 3, 'set again is the same route');
  table.delete({ host: 'a', path: '/x' });
  table.delete({ host: 'a', path: '/x' });
  table.delete({ host: 'nowhere', path: '/' });
  t.equal(table.size, 2);
  t.equal(table.find('a', '/x'), 'root');
  t.equal(table.holderOf({ host: 'a', path: '/x' }), undefined);
  t.equal(table.holderOf({ host: 'a', path: '/' }), 'root');
  table.delete({ host: 'a', path: '/' });
  table.delete({ host: 'b', path: '/' });
  t.equal(table.size, 0);
  t.equal(table.find('a', '/x'), undefined);
  t.end();
});

test('names that objects have by themselves are hosts like any other', (t) => {
  const table = tableOf(['constructor / c', '__proto__ /x p']);
  t.equal(table.find('constructor', '/'), 'c');
  t.equal(table.find('__proto__', '/x'), 'p');
  t.equal(table.find('toString', '/'), undefined);
  t.equal(table.size, 2);
  t.end();
});
