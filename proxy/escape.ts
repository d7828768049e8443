/** Text that somebody else chose, made harmless for each kind of body, in ASCII: heads and bodies of ours are latin1. */

/** For HTML, between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 .,@_/?%:-]/gu, (char) => `&#${String(codePointOf(char))};`);
}

/** JSON of ASCII characters alone. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** For a line of plain text: what is not printable ASCII becomes a question mark. */
export function asciiText(text: string): string {
  return text.replaceAll(/[^ -~]/gu, '?');
}

/** A lone surrogate is no character and cannot be written as one. */
function codePointOf(char: string): number {
  const code = char.codePointAt(0) ?? 0xfffd;
  // Controls and surrogates are no characters of HTML (WHATWG HTML §13.1.4).
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code < 0xe000) ? 0xfffd : code;
}
