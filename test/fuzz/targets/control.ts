/**
 * What agents say beside the frames: control messages and the query of the upgrade. Either is read or it is a violation; what was
 * read means the same when it has been written and read again.
 * Choices: the first byte's lowest bit takes the rest for a query.
 */
import { AskViolation, readAsk, writeAsk } from '../../../shared/protocol/ask.ts';
import { ControlViolation } from '../../../shared/protocol/control-violation.ts';
import { readControl, writeControl } from '../../../shared/protocol/control.ts';
import { mustBeSame, seedOf, wordsOf } from '../target.ts';
import type { Target } from '../target.ts';

const messages = [
  '{"kind":"hello","version":"0.1.0","instance":"i","backend":"shop","hosts":["a.example.com","*.b.c","*"],"paths":["/","/api/"],"options":{"hostHeader":"localhost:3000"}}',
  '{"kind":"hello","version":"1","instance":"i","backend":"b","hosts":[],"paths":[],"options":{}}',
  '{"kind":"welcome","node":"n","urls":["https://a.example.com/"],"limits":{"maxStreams":4096}}',
  '{"kind":"health","serving":false,"why":"it answers 500"}',
  '{"kind":"health","serving":true}',
  '{"kind":"renew","token":"a.b.c"}',
  '{"kind":"later","more":[1,2.5e3,null,{"a":"\\u0000\\n"}]}',
];
const asks = [
  'backend=shop&host=a.example.com&path=/api',
  'backend=b',
  'backend=a%2Db&host=%2A.b.c&host=*&path=/%25&later=1',
  '',
];

function playControl(text: string): void {
  const control = readControl(text);
  if (control !== undefined)
    mustBeSame(readControl(writeControl(control)), control, 'written and read again');
}

function playAsk(text: string): void {
  const ask = readAsk(text);
  mustBeSame(readAsk(writeAsk(ask)), ask, 'written and read again');
}

export const control: Target = {
  name: 'control',
  words: wordsOf(
    '"kind":',
    '"hello"',
    '"welcome"',
    '"health"',
    '"renew"',
    '"hosts":',
    '"paths":',
    '"options":',
    '"__proto__":',
    '"constructor":',
    '{}',
    '[]',
    'null',
    'true',
    '-1',
    '1e400',
    '"',
    '\\u0000',
    '\\ud800',
    ',',
    '[[[[',
    '*',
    '*.',
    '.',
    '/',
    '%',
    '%00',
    '%2F',
    '&',
    '=',
    '&host=',
    '&path=',
    'backend=',
    '[::1]:80',
    ':0',
    '\xff',
    '\r\n',
  ),
  seeds: () => [...messages.map((text) => seedOf([0], text)), ...asks.map((text) => seedOf([1], text))],
  play(bytes) {
    const text = Buffer.from(bytes.subarray(1)).toString('utf8');
    try {
      if (((bytes[0] ?? 0) & 1) === 0) playControl(text);
      else playAsk(text);
    } catch (error) {
      if (!(error instanceof ControlViolation) && !(error instanceof AskViolation)) throw error;
    }
  },
};
