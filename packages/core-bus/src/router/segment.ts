import picomatch from "picomatch/posix.js";
import { BRACKETS } from "./grammar.ts";

/** A segment is not a path, and the grammar has let only `*`, `?` and brackets through. */
const OPTIONS = {
  dot: true,
  noextglob: true,
  nobrace: true,
  nonegate: true,
  strictSlashes: true,
  // By default a bracket may stand for itself as well. Next to two stars, trying both took 16 to 24 ms.
  literalBrackets: false,
} as const;
/** Expressions that are kept; beyond, all are forgotten, since anyone may think of new segments. */
const MOST_EXPRESSIONS = 256;

const expressions = new Map<string, RegExp>();

/**
 * Makes the matcher of one segment with partial wildcards, which the grammar has vetted. picomatch
 * compiles a segment once, however many patterns have it.
 */
export function segmentMatcher(segment: string): (text: string) => boolean {
  const end = segment.lastIndexOf("*") + 1;
  const last = segment.slice(end);
  if (last === "" || segment.indexOf("*") === end - 1) {
    const whole = expressionOf(segment);
    return (text) => whole.test(text);
  }
  // With two stars, an expression of the whole segment tries its end once for each pair of places for them.
  // What follows the last star has a fixed length: matched apart, it is tried once.
  const length = last.replaceAll(BRACKETS, "?").length;
  const before = expressionOf(segment.slice(0, end));
  const after = expressionOf(last);
  return (text) => after.test(text.slice(-length)) && before.test(text.slice(0, -length));
}

function expressionOf(segment: string): RegExp {
  let expression = expressions.get(segment);
  if (!expression) {
    expression = picomatch.makeRe(segment, OPTIONS);
    if (expressions.size === MOST_EXPRESSIONS) expressions.clear();
    expressions.set(segment, expression);
  }
  return expression;
}
