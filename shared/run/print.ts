/** A command that prints and ends: its text to the standard output, or what is wrong with its settings to the standard error. */
import { SettingError } from '../config/setting-error.ts';

export async function printOrExplain(command: () => Promise<string>): Promise<void> {
  try {
    process.stdout.write(await command());
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.answer.exitCode;
  }
}
