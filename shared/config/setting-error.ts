/**
 * What is wrong with the settings: every problem at once, one line each, so that a person repairs them in one go. The
 * program ends with exit status 2 before it has done anything.
 */
import { TunnelError } from '../errors/tunnel-error.ts';
import { maskJwts } from '../log/mask.ts';

export type SettingProblemCode = 'unknown' | 'missing' | 'impossible' | 'conflict' | 'unreadable';

export interface SettingProblem {
  readonly code: SettingProblemCode;
  /** The name as the person wrote it: `PORT`, `--port`, a key of the file. */
  readonly setting: string;
  /** One line for people: the setting, where it came from, its value unless it may be secret, and what would be right. */
  readonly line: string;
}

export interface SettingAnswer {
  readonly exitCode: 2;
}

export class SettingError extends TunnelError<'setting_invalid', SettingAnswer> {
  readonly problems: readonly SettingProblem[];

  /** A token that stands where none belongs is masked, wherever that is. */
  constructor(problems: readonly SettingProblem[]) {
    super(maskJwts(problems.map((problem) => problem.line).join('\n')), {
      code: 'setting_invalid',
      scope: 'setting',
      initiator: 'local',
      answer: { exitCode: 2 },
    });
    this.problems = problems.map((problem) => ({ ...problem, line: maskJwts(problem.line) }));
  }
}
