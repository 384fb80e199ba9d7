/** What changes how a terminal or a log shows the text around it: controls, bidi marks, line separators, lone surrogates. */
const UNSEEN = /[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * A value as text for errors, warnings and logs: characters that nobody sees are written out (`\n`, `\u001b`), so that
 * no value forges a line or drives a terminal. At most `most` characters of it; never throws.
 *
 * @example printable("a\u001b[2Jb"); // "a\\u001b[2Jb"
 */
export function printable(value: unknown, most: number = Infinity): string {
  let text: string;
  try {
    text = String(value);
  } catch {
    // What can't be made a text must not replace the error that it is shown in.
    text = typeof value;
  }
  return (text.length > most ? `${text.slice(0, most)}…` : text).replaceAll(UNSEEN, writtenOut);
}

/** {@link printable} for an error's stack: line breaks are kept where a place in the code follows. */
export function printableStack(stack: string): string {
  return stack
    .split(/\n(?= +at )/)
    .map((line) => printable(line))
    .join("\n");
}

/** {@link printable} in quotes: enough of a value to be recognized. */
export function quoted(value: unknown, most: number = 60): string {
  return `"${printable(value, most)}"`;
}

function writtenOut(character: string): string {
  if (character === "\n") return "\\n";
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
