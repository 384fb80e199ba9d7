import { printable, quoted } from "@ringrift/envelope";
import { EventBusError } from "../contract/errors.ts";

/**
 * What a topic and a pattern may be. The grammar is an allow-list, checked before a matcher is
 * built: topics and patterns may come from users, and a glob library's expressions can be made to
 * run for seconds by twenty characters.
 */
const LIMITS = {
  /** Characters of a topic or pattern. */
  length: 256,
  topicSegments: 32,
  patternSegments: 16,
  /** `**` in a pattern. */
  globstars: 3,
  /** `*` in one segment. */
  stars: 2,
  /** Patterns that braces may stand for. */
  alternatives: 64,
} as const;

const TOPIC = /^[\w-]+(?:\.[\w-]+)*$/;
const FOREIGN_CHARACTER = /[^\w\-.*?[\]{},]/u;
const REGULAR_EXPRESSION = /[\\^$()|+]/;
const WILDCARD = /[*?[{]/;
const PARTIAL_SEGMENT = /^(?:[\w\-*?]|\[(?:\w(?:-\w)?)+-?\])+$/;
/** Every bracket of a segment that the grammar has passed. */
export const BRACKETS: RegExp = /\[[^\]]*\]/g;
const RANGE = /(\w)-(\w)/g;
const BRACES = /\{([^{}]*)\}/g;
const TOPIC_RULE = "1 to 32 segments of letters, digits, '_' and '-', joined by '.'";

/** A parsed pattern: the paths it stands for, each a list of segments. */
export interface Pattern {
  readonly source: string;
  readonly paths: readonly (readonly string[])[];
}

/** Whether a text is a pattern rather than the name of one topic. */
export function isPattern(text: string): boolean {
  return WILDCARD.test(text);
}

/** Whether a text is meant as a pattern, be it as a regular expression by mistake. */
export function isMeantAsPattern(text: string): boolean {
  return isPattern(text) || REGULAR_EXPRESSION.test(text);
}

/** Whether a segment of a pattern has wildcards but is neither `*` nor `**`. */
export function isPartial(segment: string): boolean {
  return segment !== "*" && segment !== "**" && WILDCARD.test(segment);
}

/**
 * Checks the name of a topic.
 *
 * @throws EventBusError `INVALID_TOPIC`
 */
export function checkTopic(topic: unknown): asserts topic is string {
  if (typeof topic !== "string" || topic === "") {
    throw invalidTopic(topic === "" ? "Topic is empty." : `Topic is of type "${typeof topic}".`);
  }
  if (topic.length > LIMITS.length) {
    throw invalidTopic(
      `Topic ${quoted(topic)} has ${topic.length} characters; the limit is ${LIMITS.length}.`,
    );
  }
  if (TOPIC.test(topic)) {
    // A segment and its dot take two characters: a shorter topic can't have too many.
    if (topic.length < 2 * LIMITS.topicSegments) return;
    const segments = topic.split(".").length;
    if (segments <= LIMITS.topicSegments) return;
    throw invalidTopic(`Topic ${quoted(topic)} has ${segments} segments.`);
  }
  if (isPattern(topic)) {
    throw invalidTopic(
      `Topic "${topic}" has wildcard characters. An event is published to one topic; patterns are for subscribing.`,
    );
  }
  const bad = /[^\w\-.]/u.exec(topic)?.[0];
  throw invalidTopic(
    bad === undefined
      ? `Topic "${topic}" has an empty segment.`
      : `Topic ${quoted(topic)} has the character ${quoted(bad)}.`,
  );
}

/**
 * Parses a pattern: `*` is one segment, `**` any number of them, `{a,b}` alternatives, and `ev*`,
 * `v?`, `[ab]c` match within one segment, as `{*,x}*` does.
 *
 * @throws EventBusError `INVALID_PATTERN`, saying what to write instead
 */
export function parsePattern(source: string): Pattern {
  if (source.length > LIMITS.length) {
    throw invalidPattern(
      printable(source, 60),
      `has ${source.length} characters; the limit is ${LIMITS.length}`,
    );
  }
  const foreign = FOREIGN_CHARACTER.exec(source)?.[0];
  if (foreign !== undefined) throw notAPattern(source, foreign);
  const paths = expandBraces(source).map((text) => text.split("."));
  for (const path of paths) checkPath(source, path);
  return { source, paths };
}

function checkPath(source: string, path: readonly string[]): void {
  if (path.length > LIMITS.patternSegments) {
    throw invalidPattern(
      source,
      `has ${path.length} segments; the limit is ${LIMITS.patternSegments}`,
    );
  }
  if (path.filter((segment) => segment === "**").length > LIMITS.globstars) {
    throw invalidPattern(source, `has more than ${LIMITS.globstars} '**'`);
  }
  for (const segment of path) checkSegment(source, segment);
}

function checkSegment(source: string, segment: string): void {
  if (segment === "*" || segment === "**") return;
  if (segment === "") {
    throw invalidPattern(
      source,
      "has an empty segment. Use '*' for any one segment, '**' for any number",
    );
  }
  if (segment.includes("**")) {
    throw invalidPattern(
      source,
      `has '**' inside the segment "${segment}". '**' stands alone between dots`,
    );
  }
  if (segment.split("*").length - 1 > LIMITS.stars) {
    throw invalidPattern(source, `has more than ${LIMITS.stars} '*' in the segment "${segment}"`);
  }
  if (!PARTIAL_SEGMENT.test(segment)) {
    throw invalidPattern(
      source,
      `has the segment "${segment}". Brackets hold letters, digits and ranges, as in '[ab]' or '[a-f]', and ',' belongs in braces`,
    );
  }
  // Braces may make 64 segments of 50 brackets each, most of them the same ones.
  for (const brackets of new Set(segment.match(BRACKETS))) {
    for (const [range, from, to] of brackets.matchAll(RANGE)) {
      if (from! > to!) throw invalidPattern(source, `has the backward range "${range}"`);
    }
  }
}

function expandBraces(source: string): string[] {
  if (/[{}]/.test(source.replace(BRACES, ""))) {
    throw invalidPattern(
      source,
      "has nested or unbalanced braces. Write the alternatives out: '{a.b,a.c}'",
    );
  }
  let texts = [""];
  let end = 0;
  for (const group of source.matchAll(BRACES)) {
    const before = source.slice(end, group.index);
    const choices = group[1]!.split(",");
    if (texts.length * choices.length > LIMITS.alternatives) {
      throw invalidPattern(source, `stands for more than ${LIMITS.alternatives} patterns`);
    }
    texts = texts.flatMap((text) => choices.map((choice) => join(join(text, before), choice)));
    end = group.index + group[0].length;
  }
  const rest = source.slice(end);
  return [...new Set(texts.map((text) => join(text, rest)))];
}

/** Two stars that only braces have brought together are one: they match within a segment, and `**` has to be written. */
function join(one: string, other: string): string {
  const meet = /(?<!\*)\*$/.test(one) && /^\*(?!\*)/.test(other);
  return meet ? one + other.slice(1) : one + other;
}

function notAPattern(source: string, character: string): EventBusError {
  const glob = asGlob(source);
  const hint = glob === undefined ? "" : `write "${glob}", or `;
  return new EventBusError(
    "INVALID_PATTERN",
    `Pattern "${source}" has the character ${quoted(character)}. Topic patterns are not regular expressions: ${hint}pass a RegExp, as in { topicPattern: /${source}/ }.`,
  );
}

/** The pattern that somebody who wrote a regular expression probably meant. */
function asGlob(source: string): string | undefined {
  const glob = source
    .replace(/^\^|\$$/g, "")
    .split("\\.")
    .map((part) => part.replaceAll(/\.[*+]/g, "*"))
    .join(".");
  // What is still no pattern has no hint: asking for one again would go round and round.
  if (FOREIGN_CHARACTER.test(glob)) return undefined;
  try {
    if (isPattern(glob)) parsePattern(glob);
    else checkTopic(glob);
    return glob;
  } catch {
    return undefined;
  }
}

function invalidTopic(what: string): EventBusError {
  return new EventBusError("INVALID_TOPIC", `${what} A topic is ${TOPIC_RULE}.`);
}

function invalidPattern(source: string, what: string): EventBusError {
  return new EventBusError("INVALID_PATTERN", `Pattern "${source}" ${what}.`);
}
