import { quoted } from "@ringrift/envelope";
import { aFunction, anything, aText, checkOptions, type Rules } from "../contract/checked.ts";
import { EventBusError } from "../contract/errors.ts";
import type { BusEvent } from "../contract/event.ts";
import { isMeantAsPattern, parsePattern } from "../router/grammar.ts";
import type { Selector } from "../router/router.ts";
import { Trie } from "../router/trie.ts";

/**
 * Which events a subscription is for; what is given must all hold. An empty filter is for every event.
 */
export interface TopicFilter<Topic extends string = string, E = BusEvent> {
  /** The name of one topic. @default any */
  readonly topic?: Topic | undefined;
  /**
   * A pattern, or a RegExp that is searched for in the topic (anchor it with `^` and `$`). Take a RegExp
   * from your own code only: the bus vets patterns, but one RegExp that backtracks stops the process.
   * @default any topic
   */
  readonly topicPattern?: string | RegExp | undefined;
  /** The component that published it, exactly. @default any */
  readonly source?: string | undefined;
  /** Skips events for which it is false. @default every event passes */
  readonly where?: ((event: E) => boolean) | undefined;
}

/** What `subscribe` and its relatives take: a topic, a pattern, a list of these (their union), or a filter. */
export type Selection = string | readonly string[] | TopicFilter;

/** Answers that a matcher remembers: topics may have ids in them. */
const REMEMBERED = 1024;

const FILTER_RULES: Rules<TopicFilter> = {
  topic: anything,
  topicPattern: anything,
  source: aText,
  where: aFunction,
};

/** Reads a topic, a pattern or a filter. `checkName` throws on a topic that may not be used here. */
export function readSelector(selection: Selection, checkName: (topic: string) => void): Selector {
  if (typeof selection === "string") return readText(selection, checkName);
  if (isList(selection)) return readList(selection, checkName);
  if (typeof selection !== "object" || selection === null || selection instanceof RegExp) {
    throw new EventBusError(
      "INVALID_TOPIC",
      `Cannot subscribe to ${quoted(selection)}. Give a topic, a pattern, a list of these, or a filter { topic, topicPattern, source, where }.`,
    );
  }
  checkOptions(selection, FILTER_RULES);
  const { topic, topicPattern } = selection;
  const byPattern = topicPattern === undefined ? undefined : readPattern(topicPattern, checkName);
  if (topic === undefined) return byPattern ?? readText("**", checkName);
  const byTopic = readText(topic, checkName);
  if (byPattern && !matcherOf(byPattern)(topic)) {
    throw new EventBusError(
      "INVALID_OPTION",
      `A filter with topic "${topic}" and topicPattern "${byPattern.text}" can never match. Give one of them.`,
    );
  }
  return byTopic;
}

/** Whether a selection is a list; `Array.isArray` doesn't tell the compiler about one that can't be written. */
export function isList(selection: Selection): selection is readonly string[] {
  return Array.isArray(selection);
}

/** A list is a pattern of all the paths in it: the router calls each subscription once, however many match. */
function readList(list: readonly string[], checkName: (topic: string) => void): Selector {
  const selectors = list.map((text) => readText(text, checkName));
  if (selectors.length === 0) {
    throw new EventBusError(
      "INVALID_TOPIC",
      "The list of topics is empty. Name one, or '**' for all.",
    );
  }
  const text = list.join(", ");
  const paths = selectors.flatMap((one) =>
    one.kind === "pattern" ? one.pattern.paths : [one.text.split(".")],
  );
  return { kind: "pattern", text, pattern: { source: text, paths } };
}

function readPattern(pattern: string | RegExp, checkName: (topic: string) => void): Selector {
  if (!(pattern instanceof RegExp)) return readText(pattern, checkName);
  // A sticky or global RegExp remembers where it stopped: the next topic would be searched from there.
  const regexp = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""));
  return { kind: "regexp", text: String(pattern), regexp };
}

function readText(text: string, checkName: (topic: string) => void): Selector {
  if (typeof text === "string" && isMeantAsPattern(text)) {
    return { kind: "pattern", text, pattern: parsePattern(text) };
  }
  checkName(text);
  return { kind: "topic", text };
}

/** A function that says whether a topic is selected, for histories and middleware; it remembers answers. */
export function matcherOf(selector: Selector): (topic: string) => boolean {
  if (selector.kind === "topic") return (topic) => topic === selector.text;
  if (selector.kind === "regexp") return (topic) => selector.regexp.test(topic);
  const trie = new Trie<true>();
  for (const path of selector.pattern.paths) trie.add(path, true);
  const answers = new Map<string, boolean>();
  return (topic) => {
    let answer = answers.get(topic);
    if (answer === undefined) {
      const found: true[] = [];
      trie.collect(topic, found);
      answer = found.length > 0;
      if (answers.size === REMEMBERED) answers.clear();
      answers.set(topic, answer);
    }
    return answer;
  };
}
