import { test } from 'tap';
import { AskViolation, agentPath, agentSubprotocol, readAsk, writeAsk } from '../../shared/protocol/ask.ts';
import { maxNames } from '../../shared/protocol/grammar.ts';

test('the door and the subprotocol are what DESIGN fixed', (t) => {
  t.equal(agentPath, '/.well-known/inverting-proxy/agent');
  t.equal(agentSubprotocol, 'inverting-proxy.v1');
  t.end();
});

test('an ask is written as a query, readable and fit for a request line', (t) => {
  const ask = { backend: 'shop', hosts: ['*.example.com', 'a.example.com'], paths: ['/api/v1', '/a&b=c%41'] };
  const query = 'backend=shop&host=*.example.com&host=a.example.com&path=/api/v1&path=/a%26b%3Dc%2541';
  t.equal(writeAsk(ask), query);
  t.same(readAsk(query), ask);
  t.end();
});

test('every byte a path may hold comes through', (t) => {
  let path = '/';
  for (let code = 0x21; code < 0x7f; code += 1)
    if (code !== 0x23 && code !== 0x3f) path += String.fromCharCode(code);
  const ask = { backend: 'a', hosts: [], paths: [path] };
  const query = writeAsk(ask);
  t.match(query, /^[\x21-\x7e]+$/);
  t.same(readAsk(query), ask);
  t.end();
});

test('names are read in their normal form, once each, and unknown ones are ignored', (t) => {
  t.same(readAsk('later=1&backend=a&host=A.b.&host=a.b&path=/x/&path=/x&&flag'), {
    backend: 'a',
    hosts: ['a.b'],
    paths: ['/x'],
  });
  t.end();
});

function many(name: string, write: (index: number) => string): string {
  return `backend=a${Array.from({ length: maxNames + 1 }, (_, index) => `&${name}=${write(index)}`).join('')}`;
}

test('what no agent writes is refused with 400 and by name', (t) => {
  const rows: readonly (readonly [query: string, message: string])[] = [
    ['', 'the query names no backend'],
    ['host=a.b', 'the query names no backend'],
    ['backend=a&backend=b', 'the query names backend twice'],
    ['backend', "the query's backend is malformed"],
    ['backend=', "the query's backend is malformed"],
    ['backend=a%20b', "the query's backend is malformed"],
    ['backend=%E0%A4%A', "the query's backend is malformed"],
    ['backend=a&host=a..b', "the query's host is malformed"],
    ['backend=a&path=api', "the query's path is malformed"],
    ['backend=a&path=/a%0d%0ab', "the query's path is malformed"],
    [many('host', (index) => `h${index}.b`), 'the query names more than 32 hosts'],
    [many('path', (index) => `/p${index}`), 'the query names more than 32 paths'],
  ];
  for (const [query, message] of rows) {
    try {
      readAsk(query);
      t.fail(`accepted: ${query}`);
    } catch (error) {
      const said =
        error instanceof AskViolation ? `${error.answer.status} ${error.code}: ${error.message}` : error;
      t.equal(said, `400 ask_malformed: ${message}`, query.slice(0, 40));
    }
  }
  t.end();
});
