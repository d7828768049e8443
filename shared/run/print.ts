/** A command that prints and ends: its text to the standard output, or what is wrong with its settings to the standard error. */
import { SettingError } from '../config/setting-error.ts';

export interface Printed {
  /** What the next program reads. */
  readonly out: string;
  /** What a person reads beside it. */
  readonly aside?: string;
}

export async function printOrExplain(command: () => Promise<Printed>): Promise<void> {
  try {
    const { out, aside } = await command();
    if (aside !== undefined) process.stderr.write(aside);
    process.stdout.write(out);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.answer.exitCode;
  }
}
