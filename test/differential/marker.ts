/**
 * Which case a message belongs to, written so that it survives every parser: an eight-digit number in Host and in the
 * targets. Generated messages carry placeholders of the same length; they are filled in when a case is sent.
 */

/** What generated messages have for the case, and for the backend whose host it is. */
export const placeholderId = 'c00000000';
export const placeholderHost = `${placeholderId}.bb.test`;

const idDigits = 8;
const idPattern = /c00000000/gi;
const backendPattern = /\.bb\.test/gi;
const caseOfText = /c(\d{8})/i;

/** The hosts of one backend, as an agent asks for them. `code` has two letters. */
export function hostsOf(code: string): string {
  return `*.${code}.test`;
}

export function isHostOf(code: string, host: string): boolean {
  return host.endsWith(`.${code}.test`) && host.split('.').length === 3 && !host.startsWith('.');
}

/** The message with its placeholders filled in; latin1 in and out, of the same length. */
export function address(message: string, id: number, code: string): string {
  const digits = String(id).padStart(idDigits, '0');
  return message
    .replace(idPattern, (found) => `${found[0] ?? ''}${digits}`)
    .replace(backendPattern, (found) => `.${code}${found.slice(3)}`);
}

/** The case that a text of a message names. */
export function caseOf(...texts: readonly string[]): number | undefined {
  for (const text of texts) {
    const digits = caseOfText.exec(text)?.[1];
    if (digits !== undefined) return Number(digits);
  }
  return undefined;
}
