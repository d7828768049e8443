/** The answers the proxy makes itself: which body for which Accept, and what each of them says. */
import { test } from 'tap';
import { preferredKind } from '../../proxy/accept.ts';
import { failureAnswer, refusalAnswer, writeAnswer } from '../../proxy/answer.ts';
import type { AnswerContext } from '../../proxy/answer.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import { failures } from '../../shared/protocol/failures.ts';
import type { FailureCode } from '../../shared/protocol/failures.ts';

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

const kinds: readonly [string | undefined, string][] = [
  [undefined, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  [browser, 'html'],
  ['application/json', 'json'],
  ['application/problem+json', 'json'],
  ['Application/JSON; charset=utf-8', 'json'],
  ['text/plain, application/json', 'text'],
  ['application/json, text/plain, */*', 'json'],
  ['text/html;q=0.1, application/json;q=0.2', 'json'],
  ['text/html;q=0', 'text'],
  ['text/html;q=0, application/json;q=0.001', 'json'],
  ['text/html;level=1;q=0.5, text/plain;q=0.4', 'html'],
  ['text/html;q=high', 'html'],
  ['image/png', 'text'],
  ['text/html;q=0.5, constructor', 'html'],
  [',,;q=1, ;', 'text'],
];

for (const [accept, kind] of kinds) {
  test(`Accept: ${accept ?? '(none)'} gets ${kind}`, (t) => {
    t.equal(preferredKind(accept), kind);
    t.end();
  });
}

const context: AnswerContext = {
  name: 'inverting-proxy-1',
  requestId: 'abc-1',
  accept: undefined,
  isHead: false,
  persist: true,
};

function split(answer: string): { head: string; body: string } {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  return { head, body: rest.join('\r\n\r\n') };
}

function isFailureCode(code: string): code is FailureCode {
  return code in failures;
}

for (const code of Object.keys(failures).filter(isFailureCode)) {
  test(`${code} says what happened and who has to do what, in each kind`, (t) => {
    const { status, sentence, remedy } = failures[code];
    for (const accept of ['text/html', 'application/json', undefined]) {
      const { head, body } = split(writeAnswer(failureAnswer(code), { ...context, accept }));
      t.match(head, new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
      t.match(head, `\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`);
      t.match(head, `; details="${code}"`);
      t.match(head, '\r\nX-Request-Id: abc-1');
      t.match(head, '\r\nCache-Control: no-store');
      for (const text of [sentence, remedy, code, 'abc-1']) t.match(body, text);
    }
    t.end();
  });
}

test('the page can be read on a phone and loads nothing', (t) => {
  const { body } = split(writeAnswer(failureAnswer('agent_offline'), { ...context, accept: browser }));
  t.match(body, '<meta name="viewport" content="width=device-width, initial-scale=1">');
  t.notMatch(body, /<(?:script|link|img)|https?:|url\(/);
  t.match(body, /^[\t\n\x20-\x7e]*$/, 'ASCII, so that its length in bytes is its length');
  t.end();
});

test('an answer to HEAD has the length of the body and no body', (t) => {
  const whole = split(writeAnswer(failureAnswer('no_route'), context));
  t.strictSame(split(writeAnswer(failureAnswer('no_route'), { ...context, isHead: true })), {
    head: whole.head,
    body: '',
  });
  t.end();
});

test('a connection that does not go on is said to close', (t) => {
  t.match(
    writeAnswer(failureAnswer('no_route'), { ...context, persist: false }),
    '\r\nConnection: close\r\n',
  );
  t.notMatch(writeAnswer(failureAnswer('no_route'), context), 'Connection');
  t.end();
});

test('a refusal says its rule and nothing of what was sent', (t) => {
  const answer = writeAnswer(refusalAnswer(new Refusal('head_timeout', 'request')), context);
  t.match(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  t.match(answer, 'error=http_request_error; details="head_timeout"');
  t.end();
});
