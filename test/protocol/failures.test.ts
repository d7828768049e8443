import { test } from 'tap';
import { closeCode } from '../../shared/protocol/close-code.ts';
import { failures } from '../../shared/protocol/failures.ts';

test('each failure has the status DESIGN gives it and a type of RFC 9209', (t) => {
  const rows = Object.entries(failures).map(
    ([code, { status, proxyStatus }]) => `${code} ${status} ${proxyStatus}`,
  );
  t.strictSame(rows, [
    'no_route 404 destination_not_found',
    'agent_offline 503 destination_unavailable',
    'agent_lost 502 connection_terminated',
    'backend_unhealthy 503 destination_unavailable',
    'backend_refused 502 connection_refused',
    'backend_connect_timeout 504 connection_timeout',
    'backend_timeout 504 http_response_timeout',
    'backend_protocol 502 http_protocol_error',
    'backend_tls 502 tls_protocol_error',
    'backend_reset 502 connection_terminated',
    'overloaded 503 connection_limit_reached',
    'too_many_requests 429 http_request_denied',
  ]);
  t.end();
});

test('each failure is one plain sentence, and says when to come back where that helps', (t) => {
  for (const [code, failure] of Object.entries(failures)) {
    t.match(failure.sentence, /^[A-Z][^<>&"]{10,}\.$/, code);
    t.match(failure.remedy, /^[A-Z][^<>&"]{10,}\.$/, `${code}: who has to do what`);
    const helps = failure.status === 429 || failure.status === 503;
    t.equal(failure.retryAfterSeconds !== undefined, helps, `${code} Retry-After`);
  }
  t.end();
});

test('close codes are those of RFC 6455 and its registry', (t) => {
  t.strictSame(Object.values(closeCode), [1000, 1001, 1002, 1008, 1012, 1013]);
  t.end();
});
