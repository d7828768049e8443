/** Finds the regular expression literals in source text. It knows as much of TypeScript as tells them from divisions. */

export interface Found {
  /** As it stands in the source, with its flags. */
  readonly literal: string;
  readonly line: number;
}

/** Behind these a slash begins an expression; behind anything else it divides. */
const BEFORE_EXPRESSION =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|yield|await|void|delete))$/;

/** All regular expression literals of one source file, comments, strings and templates left out. */
export function expressionsIn(source: string): Found[] {
  const found: Found[] = [];
  /** What has been read, with everything that is not code removed. */
  let code = '';
  /** The depth of braces at which a `${` stands. */
  const templates: number[] = [];
  let depth = 0;
  let at = source.startsWith('#!') ? source.indexOf('\n') : 0;
  const lineAt = (offset: number): number => source.slice(0, offset).split('\n').length;
  const skip = (pattern: RegExp): boolean => {
    const sticky = new RegExp(pattern.source, 'ys');
    sticky.lastIndex = at;
    const [text] = sticky.exec(source) ?? [];
    if (text === undefined) return false;
    at += text.length;
    return true;
  };
  /** Up to the end of a template or its next `${`. */
  const template = (): void => {
    skip(/(?:[^`\\$]|\\.|\$(?!\{))*/);
    if (source[at] === '`') {
      at += 1;
      code += 'x';
    } else {
      at += 2;
      templates.push(depth);
      code += '{';
    }
  };
  while (at < source.length) {
    if (skip(/\/\/[^\n]*|\/\*.*?\*\//)) continue;
    if (skip(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/)) {
      code += 'x';
      continue;
    }
    const char = source[at] ?? '';
    if (char === '`') {
      at += 1;
      template();
      continue;
    }
    if (char === '}' && templates.at(-1) === depth) {
      templates.pop();
      at += 1;
      template();
      continue;
    }
    const start = at;
    if (
      char === '/' &&
      BEFORE_EXPRESSION.test(code.trimEnd()) &&
      skip(/\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/)
    ) {
      found.push({ literal: source.slice(start, at), line: lineAt(start) });
      code = 'x';
      continue;
    }
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    code = `${code.slice(-20)}${char}`;
    at += 1;
  }
  return found;
}
