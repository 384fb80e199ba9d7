import EventEmitter2 from "eventemitter2";

/** Which of all pairs of pattern and topic a matcher answers wrongly. */
export interface WrongAnswers {
  readonly wrong: number;
  readonly pairs: number;
}

/**
 * All patterns up to four segments over `a`, `b`, `*` and `**`, against all topics up to five segments
 * over `a` and `b`, compared with a plain recursive matcher.
 */
export function wrongAnswersOf(
  matcherOf: (pattern: string) => (topic: string) => boolean,
): WrongAnswers {
  const topics = words(["a", "b"], 5);
  let wrong = 0;
  let pairs = 0;
  for (const pattern of words(["a", "b", "*", "**"], 4)) {
    const matches = matcherOf(pattern.join("."));
    for (const topic of topics) {
      pairs += 1;
      if (matches(topic.join(".")) !== matchesSegments(pattern, topic)) wrong += 1;
    }
  }
  return { wrong, pairs };
}

/** eventemitter2 with wildcards, one pattern an emitter: no pattern can spoil another's answer. */
export function eventemitter2Matcher(pattern: string): (topic: string) => boolean {
  const emitter = new EventEmitter2.EventEmitter2({ wildcard: true });
  let called = false;
  emitter.on(pattern, () => {
    called = true;
  });
  return (topic) => {
    called = false;
    emitter.emit(topic);
    return called;
  };
}

function words(alphabet: readonly string[], longest: number): string[][] {
  const all: string[][] = [];
  let last: string[][] = [[]];
  for (let length = 1; length <= longest; length += 1) {
    last = last.flatMap((word) => alphabet.map((letter) => [...word, letter]));
    all.push(...last);
  }
  return all;
}

function matchesSegments(pattern: readonly string[], topic: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return topic.length === 0;
  if (first === "**") {
    return (
      matchesSegments(rest, topic) || (topic.length > 0 && matchesSegments(pattern, topic.slice(1)))
    );
  }
  return (
    topic.length > 0 &&
    (first === "*" || first === topic[0]) &&
    matchesSegments(rest, topic.slice(1))
  );
}
