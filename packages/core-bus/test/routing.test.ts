import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventBus, type Subscription } from "../src/index.ts";

/**
 * A matcher that shares nothing with the bus: two pointers, and where the last `**` stood, to try one
 * segment more for it when the rest doesn't fit.
 */
function twoPointers(pattern: readonly string[], topic: readonly string[]): boolean {
  let at = 0;
  let to = 0;
  let globstar = -1;
  let resume = 0;
  while (to < topic.length) {
    if (pattern[at] === "**") {
      globstar = at;
      resume = to;
      at += 1;
    } else if (at < pattern.length && isOneOf(pattern[at]!, topic[to]!)) {
      at += 1;
      to += 1;
    } else if (globstar >= 0) {
      at = globstar + 1;
      resume += 1;
      to = resume;
    } else return false;
  }
  return pattern.slice(at).every((segment) => segment === "**");
}

/** Another one: all places in the topic that each part of the pattern can reach. */
function matches(pattern: readonly string[], topic: readonly string[]): boolean {
  const rows = topic.length + 1;
  let reachable = Array.from({ length: rows }, (_, at) => at === 0);
  for (const segment of pattern) {
    const next = Array.from({ length: rows }, () => false);
    for (let at = 0; at < rows; at += 1) {
      if (segment === "**") next[at] = reachable[at]! || (at > 0 && next[at - 1]!);
      else if (at > 0) next[at] = reachable[at - 1]! && isOneOf(segment, topic[at - 1]!);
    }
    reachable = next;
  }
  return reachable[topic.length]!;
}

function isOneOf(segment: string, text: string): boolean {
  if (segment === "*") return true;
  if (segment === "a*") return text.startsWith("a");
  if (segment === "?b") return text.length === 2 && text.endsWith("b");
  return segment === text;
}

function upTo(length: number, alphabet: readonly string[]): string[][] {
  let longest: string[][] = [[]];
  const all: string[][] = [];
  for (let n = 0; n < length; n += 1) {
    longest = longest.flatMap((path) => alphabet.map((segment) => [...path, segment]));
    all.push(...longest);
  }
  return all;
}

const CACHES = [0, 1, 1024];

describe("routing", () => {
  it.each(CACHES)(
    "agrees with an independent matcher on all patterns up to 4 segments, with a cache of %i",
    (routeCache) => {
      const bus = createEventBus({ routeCache, history: false });
      const patterns = upTo(4, ["a", "b", "*", "**"]).filter(
        (path) => path.filter((segment) => segment === "**").length <= 3,
      );
      expect(patterns).toHaveLength(4 + 16 + 64 + 256 - 1);
      const called = new Set<string>();
      for (const path of patterns) {
        const pattern = path.join(".");
        bus.subscribe(pattern, () => called.add(pattern));
      }
      const topics = upTo(5, ["a", "b"]);
      expect(topics).toHaveLength(62);
      // Twice, so that the second round finds what the first has cached.
      for (const topic of [...topics, ...topics]) {
        called.clear();
        bus.publishSync(topic.join("."));
        const expected = patterns.filter((path) => twoPointers(path, topic));
        expect([...called]).toEqual(expected.map((path) => path.join(".")));
      }
    },
  );

  it("refuses one pattern of these, for its four '**'", () => {
    const bus = createEventBus();
    const refused = upTo(4, ["a", "b", "*", "**"]).flatMap((path) => {
      try {
        bus.subscribe(path.join("."), () => {});
        return [];
      } catch (error) {
        return [error];
      }
    });
    expect(refused).toEqual([
      expect.objectContaining({
        code: "INVALID_PATTERN",
        message: expect.stringContaining(`"**.**.**.**" has more than 3 '**'`),
      }),
    ]);
  });

  it("agrees with it where it looks into the history", () => {
    const topics = upTo(5, ["a", "b"]);
    const bus = createEventBus();
    for (const topic of topics) bus.publishSync(topic.join("."));
    for (const path of upTo(4, ["a", "b", "*", "**"])) {
      if (path.every((segment) => segment === "**") && path.length === 4) continue;
      const found = bus.getHistory({ topic: path.join(".") }).map((event) => event.topic);
      const expected = topics.filter((topic) => twoPointers(path, topic));
      expect(found.toReversed()).toEqual(expected.map((topic) => topic.join(".")));
    }
  });

  it("agrees with a second matcher on each pattern alone", () => {
    const topics = upTo(5, ["a", "b"]);
    for (const path of upTo(3, ["a", "b", "*", "**", "a*"])) {
      const bus = createEventBus({ history: false });
      bus.subscribe(path.join("."), () => {});
      for (const topic of topics) {
        expect(bus.publishSync(topic.join("."))).toBe(matches(path, topic) ? 1 : 0);
      }
    }
  });

  const segment = fc.constantFrom("a", "b", "ab", "*", "**", "a*", "?b");
  const path = fc
    .array(segment, { minLength: 1, maxLength: 4 })
    .filter((segments) => segments.filter((one) => one === "**").length <= 3);
  const topic = fc.array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 4 });
  const action = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("subscribe" as const),
        path,
        priority: fc.integer({ min: -1, max: 1 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("end" as const), which: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("publish" as const), topic }) },
  );

  it.each(CACHES)(
    "calls who is subscribed, in order, through any sequence of changes, with a cache of %i",
    (routeCache) => {
      fc.assert(
        fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
          const bus = createEventBus({ routeCache, history: false });
          let model: { id: number; path: string[]; priority: number; sub: Subscription }[] = [];
          let called: number[] = [];
          actions.forEach((one, id) => {
            if (one.kind === "subscribe") {
              const { priority } = one;
              const sub = bus.subscribe(one.path.join("."), () => called.push(id), { priority });
              model.push({ id, path: one.path, priority, sub });
            } else if (one.kind === "end") {
              const ended = model[one.which % Math.max(1, model.length)];
              ended?.sub();
              model = model.filter((each) => each !== ended);
            } else {
              called = [];
              bus.publishSync(one.topic.join("."));
              const expected = model
                .filter((each) => matches(each.path, one.topic))
                .toSorted((x, y) => y.priority - x.priority || x.id - y.id);
              expect(called).toEqual(expected.map((each) => each.id));
            }
          });
        }),
        { numRuns: 150 },
      );
    },
  );
});

describe("the route cache", () => {
  it("holds at most as many topics as it is told, those that found nobody included", () => {
    const bus = createEventBus({ routeCache: 10, history: false });
    for (let n = 0; n < 100; n += 1) bus.publishSync(`t.${n}`);
    expect(bus.stats().routes.size).toBe(10);
  });

  it("begins anew when it is full, and finds the same as before", () => {
    const bus = createEventBus({ routeCache: 10, history: false });
    bus.subscribe("*.0", () => {});
    for (let n = 0; n < 11; n += 1) expect(bus.publishSync(`t${n}.0`)).toBe(1);
    expect(bus.stats().routes.size).toBe(1);
    for (let n = 0; n < 11; n += 1) expect(bus.publishSync(`t${n}.0`)).toBe(1);
    expect(bus.stats().routes.size).toBeLessThanOrEqual(10);
  });

  it("takes for a topic only what is a text, whatever it reads like", async () => {
    const bus = createEventBus();
    bus.subscribe("7", () => {});
    expect(bus.publishSync("7")).toBe(1);
    for (const name of [7, ["7"], { toString: () => "7" }] as unknown as string[]) {
      expect(() => bus.hasSubscribers(name)).toThrow("Topic is of type");
      expect(() => bus.publishSync({ topic: name })).toThrow("Topic is of type");
      await expect(bus.publish({ topic: name })).rejects.toMatchObject({ code: "INVALID_TOPIC" });
    }
  });

  it("answers the second time, also that nobody is there", () => {
    const bus = createEventBus({ history: false });
    bus.publishSync("a");
    bus.publishSync("a");
    bus.publishSync("a");
    expect(bus.stats().routes).toEqual({ hits: 2, misses: 1, size: 1 });
  });

  it("counts what publishes look up, and not what only asks", () => {
    const bus = createEventBus();
    bus.subscribe("a.*", () => {});
    expect(bus.hasSubscribers("a.b")).toBe(true);
    expect(bus.hasSubscribers("b")).toBe(false);
    expect(bus.stats().routes).toEqual({ hits: 0, misses: 0, size: 0 });
    bus.publishSync("a.b", undefined, { source: "test" });
    bus.publishSync("a.b");
    expect(bus.hasSubscribers("a.b")).toBe(true);
    expect(bus.stats()).toMatchObject({
      published: 2,
      routes: { hits: 1, misses: 1, size: 1 },
    });
  });

  it("notices every change", () => {
    const bus = createEventBus({ history: false });
    expect(bus.publishSync("a")).toBe(0);
    const exact = bus.subscribe("a", () => {});
    expect(bus.publishSync("a")).toBe(1);
    const pattern = bus.subscribe("*", () => {});
    expect(bus.publishSync("a")).toBe(2);
    const regexp = bus.subscribe({ topicPattern: /^a$/ }, () => {});
    expect(bus.publishSync("a")).toBe(3);
    exact();
    expect(bus.publishSync("a")).toBe(2);
    pattern();
    expect(bus.publishSync("a")).toBe(1);
    regexp();
    expect(bus.publishSync("a")).toBe(0);
  });

  it("stops storing where most topics are new, and comes back where they repeat", () => {
    const bus = createEventBus({ routeCache: 1024, history: false });
    for (let n = 0; n < 5000; n += 1) bus.publishSync(`user.${n}.seen`);
    const { size } = bus.stats().routes;
    expect(size).toBeLessThan(1024);
    for (let n = 0; n < 10_000; n += 1) bus.publishSync(`hot.${n % 10}`);
    expect(bus.stats().routes.hits).toBeGreaterThan(4000);
  });

  it("refuses a size that isn't a whole number", () => {
    for (const routeCache of [-1, 1.5, Number.NaN]) {
      expect(() => createEventBus({ routeCache })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
  });
});
