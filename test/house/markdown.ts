/** What a test reads out of a Markdown text: links, headings, code. It knows no document and no file system. */

/** Targets of links to this repository, as they are written: `docs/settings.md#the-agent`. */
export function linksOf(text: string): string[] {
  const links = withoutCode(text).matchAll(/\]\(([^()\s]+)\)|^\[[^\]]+\]: (\S+)/gm);
  return Array.from(links, ([, inline, definition]) => inline ?? definition ?? '').filter(
    (link) => !/^[a-z][a-z0-9+.-]*:/i.test(link),
  );
}

/** The anchors of its headings, as GitHub makes them. */
export function anchorsOf(text: string): string[] {
  const counts = new Map<string, number>();
  return Array.from(withoutFences(text).matchAll(/^#{1,6} +(.+?) *$/gm), ([, heading = '']) => {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

/** Its code: what stands between backticks, and each block with its continued lines joined. */
export function codeOf(text: string): string[] {
  const blocks = Array.from(text.matchAll(fence), ([, block = '']) => block.replaceAll(/\\\n */g, ''));
  return [...blocks, ...spansOf(text)];
}

/**
 * The files and folders that stand between backticks: what has a slash inside or the ending of a file, but neither begins
 * with a slash nor holds anything that no name here does. `dist` is made by the build and `.ts` is an ending.
 */
export function pathsOf(text: string): string[] {
  return spansOf(text).filter(
    (span) =>
      /^[\w.-]+(?:\/[\w.-]+)*\/?$/.test(span) &&
      (span.includes('/') || /\w\.(?:ts|json|md|yaml)$/.test(span)),
  );
}

const fence = /^ *```[^\n]*\n(.*?)^ *```$/gms;

function spansOf(text: string): string[] {
  return Array.from(withoutFences(text).matchAll(/`([^`\n]+)`/g), ([, span = '']) => span);
}

function withoutFences(text: string): string {
  return text.replaceAll(fence, '');
}

function withoutCode(text: string): string {
  return withoutFences(text).replaceAll(/`[^`\n]*`/g, '');
}
