/**
 * Work is bounded by the input, in steps and not in time: each parser is fed 64 KiB of what would hurt it most, whole and byte by
 * byte, in a program that counts executed blocks and bytes gone through by the engine's functions.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { test } from 'tap';
import { KNOWN_NATIVES } from './steps/natives.ts';
import type { Measurement } from './steps/program.ts';

/** Steps a byte: three to twelve are seen when it comes whole; a push of its own for each byte costs some twenty more. */
const STEPS_A_BYTE = { whole: 16, byByte: 40 } as const;
/** What a parser may cost before its first byte. */
const STEPS_AT_ALL = 100_000;
/** Four times the input costs four times the steps, with a little room for what is only paid now and then. */
const GROWTH = 4.4;

async function measure(): Promise<Measurement[]> {
  const program = new URL('steps/program.ts', import.meta.url).pathname;
  // The coverage of a test run would share its counters with ours.
  const { NODE_V8_COVERAGE: _, NODE_OPTIONS: __, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env, timeout: 100_000 });
  return stdout
    .trim()
    .split('\n')
    .map((line): Measurement => JSON.parse(line));
}

const measurements = await measure();
const isSquare = ({ name }: Measurement): boolean => name.startsWith('square');
const title = ({ name, bytes, pieceBytes }: Measurement): string =>
  `${name}: ${bytes} bytes, ${pieceBytes === 1 && bytes > 1 ? 'byte by byte' : 'whole'}`;

test('each parser, fed 64 KiB of its worst: so many steps a byte and no more', (t) => {
  for (const measurement of measurements.filter((one) => !isSquare(one))) {
    const { bytes, pieceBytes, steps, outcome } = measurement;
    const most = STEPS_AT_ALL + bytes * (pieceBytes === 1 ? STEPS_A_BYTE.byByte : STEPS_A_BYTE.whole);
    t.ok(steps <= most, `${title(measurement)}: ${steps} steps, at most ${most} (${outcome})`);
  }
  t.ok(
    measurements.some(({ bytes }) => bytes >= 65_536 - 24),
    'the inputs are as large as they should be',
  );
  t.end();
});

test('four times the input, four times the steps', (t) => {
  for (let at = 0; at < measurements.length; at++) {
    const large = measurements[at];
    const small = measurements.find(
      (one) =>
        one.name === large?.name &&
        one.bytes < large.bytes &&
        (one.pieceBytes === 1) === (large.pieceBytes === 1),
    );
    if (large === undefined || small === undefined || isSquare(large)) continue;
    const most = small.steps * GROWTH + 1_000;
    t.ok(
      large.steps <= most,
      `${title(large)}: ${large.steps} steps, ${small.steps} for ${small.bytes} bytes`,
    );
  }
  t.end();
});

const stepsOf = (name: string, bytes: number, pieceBytes: number): number =>
  measurements.find((one) => one.name === name && one.bytes === bytes && one.pieceBytes === pieceBytes)
    ?.steps ?? 0;

test('what is not linear is seen, in blocks and in functions of the engine', (t) => {
  for (const [name, isWhole] of [
    ['square: in blocks', true],
    ['square: in natives', false],
  ] as const) {
    const [small, large] = [stepsOf(name, 512, isWhole ? 512 : 1), stepsOf(name, 2_048, isWhole ? 2_048 : 1)];
    t.ok(small > 512 * 200, `${name}: ${small} steps for 512 bytes`);
    t.ok(large > small * 10, `${large} for 2,048`);
  }
  t.end();
});

const ROOMS = ['http1', 'mux', 'protocol'] as const;

function codeOf(room: string): (readonly [file: string, code: string])[] {
  const folder = new URL(`../../shared/${room}/`, import.meta.url);
  return readdirSync(folder).map((file) => {
    const code = readFileSync(new URL(file, folder), 'utf8');
    return [file, code.replaceAll(/^\s*(?:\/?\*|\/\/).*$/gm, '')];
  });
}

test('whatever the rooms without I/O call is counted, of constant cost, or their own', (t) => {
  const code = ROOMS.flatMap(codeOf);
  // What begins a line and has parameters is declared there, or is a call of something that is.
  const own = new Set(
    code.flatMap(([, text]) =>
      [...text.matchAll(/^ +(?:readonly |static )*(\w+)(?:<.*?>)?\(/gm)].map(([, name]) => name),
    ),
  );
  const unknown = new Set<string>();
  for (const [file, text] of code) {
    for (const [, name = ''] of text.matchAll(/\.([a-z]\w*)(?:<[^()]*>)?\(/gi)) {
      if (!KNOWN_NATIVES.has(name) && !own.has(name)) unknown.add(`${file}: ${name}`);
    }
  }
  t.strictSame([...unknown], [], 'a function of the engine has its cost in steps/natives.ts');
  t.end();
});
