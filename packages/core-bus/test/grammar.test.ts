import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

const bus = createEventBus();

function subscribeError(pattern: unknown): { code: string; message: string } {
  try {
    bus.subscribe(pattern as string, () => {})();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error(`${String(pattern)} was accepted`);
}

/** The topics among `topics` that a subscription to `pattern` gets. */
function matched(pattern: string, topics: readonly string[]): string[] {
  const own = createEventBus();
  const seen: string[] = [];
  own.subscribe(pattern, (event) => seen.push(event.topic));
  for (const topic of topics) own.publishSync(topic);
  return seen;
}

describe("a topic", () => {
  it.each([
    ["", "empty"],
    ["a..b", "empty segment"],
    [".a", "empty segment"],
    ["a.", "empty segment"],
    ["a b", 'character " "'],
    ["größe", 'character "ö"'],
    ["a/b", 'character "/"'],
    ["a.b\n", "character"],
    ["a😀", 'character "😀"'],
    ["x".repeat(257), "257 characters"],
    [Array.from({ length: 33 }, () => "a").join("."), "33 segments"],
    [undefined, "undefined"],
    [42, "number"],
    [{}, "undefined"],
  ])(
    "is refused when it is %j, by subscribe, publish and publishSync alike",
    async (topic, why) => {
      const name = topic as string;
      const refused = expect.objectContaining({
        name: "EventBusError",
        code: "INVALID_TOPIC",
        message: expect.stringContaining(why),
      });
      expect(() => bus.publishSync(name)).toThrow(refused);
      if (typeof topic !== "object") {
        expect(() => bus.subscribe(name, () => {})).toThrow(
          expect.objectContaining({ code: "INVALID_TOPIC" }),
        );
        await expect(bus.publish(name)).rejects.toEqual(refused);
      }
    },
  );

  it("with wildcard characters cannot be published to", async () => {
    for (const topic of ["a.*", "**", "a?", "[ab]", "{a,b}"]) {
      expect(() => bus.publishSync(topic)).toThrow("wildcard");
      await expect(bus.publish(topic)).rejects.toMatchObject({ code: "INVALID_TOPIC" });
    }
  });

  it("may have 256 characters and 32 segments, of letters, digits, '_' and '-'", () => {
    expect(bus.publishSync("x".repeat(256))).toBe(0);
    expect(bus.publishSync(Array.from({ length: 32 }, () => "a").join("."))).toBe(0);
    expect(bus.publishSync("Training_2.step-10")).toBe(0);
  });

  it("is an ordinary one when it is called constructor, __proto__ or toString", async () => {
    for (const topic of ["constructor", "__proto__", "toString", "a.__proto__", "hasOwnProperty"]) {
      const own = createEventBus();
      const seen: string[] = [];
      expect(own.hasSubscribers(topic)).toBe(false);
      expect(own.publishSync(topic)).toBe(0);
      own.subscribe(topic, () => seen.push("topic"));
      own.subscribe("**", () => seen.push("pattern"));
      expect((await own.publish(topic)).delivered).toBe(2);
      expect(own.getHistory({ topic })).toHaveLength(2);
      expect(seen).toEqual(["topic", "pattern"]);
    }
  });
});

describe("a topic of a prototype's name", () => {
  it.each(["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"])(
    "is an ordinary one everywhere: %s",
    async (topic) => {
      const own = createEventBus({ onError: () => {} });
      const before = Object.getOwnPropertyNames(Object.prototype);
      const waiting = own.waitFor(topic, { timeoutMs: 10_000 });
      const stream = own.stream(topic);
      const filtered = own.subscribe({ topic, source: topic }, () => {});
      const handler = (): void => {};
      own.once(topic, handler);
      expect(own.publishSync(topic, topic, { source: topic, metadata: { [topic]: 1 } })).toBe(4);
      expect((await waiting).topic).toBe(topic);
      expect((await stream.next()).value?.payload).toBe(topic);
      expect(own.inspect().subscriptions.map((sub) => sub.topic)).toEqual([topic, topic]);
      expect(await own.replay(handler, { topic })).toBe(1);
      expect(own.unsubscribe({ topic })).toBe(1);
      expect(filtered.active).toBe(false);
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
      expect(({} as Record<string, unknown>)["source"]).toBeUndefined();
    },
  );
});

describe("a pattern", () => {
  const topics = [
    "training",
    "training.done",
    "training.epoch.done",
    "trainingX.done",
    "evaluation.done",
  ];

  it("has '*' for one segment and '**' for any number of them, none included", () => {
    expect(matched("training.*", topics)).toEqual(["training.done"]);
    expect(matched("training.**", topics)).toEqual([
      "training",
      "training.done",
      "training.epoch.done",
    ]);
    expect(matched("**.done", topics)).toEqual(topics.slice(1));
    expect(matched("*", topics)).toEqual(["training"]);
    expect(matched("**", topics)).toEqual(topics);
    expect(matched("*.*", ["a", "a.b", "a.b.c"])).toEqual(["a.b"]);
  });

  it("has braces for alternatives, across segments too", () => {
    expect(matched("{training,evaluation}.done", topics)).toEqual([
      "training.done",
      "evaluation.done",
    ]);
    expect(matched("{training.epoch,evaluation}.*", topics)).toEqual([
      "training.epoch.done",
      "evaluation.done",
    ]);
    expect(matched("a{,b}", ["a", "ab", "b"])).toEqual(["a", "ab"]);
    expect(matched("{a}", ["a"])).toEqual(["a"]);
  });

  it("has partial wildcards that stay within a segment", () => {
    expect(matched("ev*.done", topics)).toEqual(["evaluation.done"]);
    expect(matched("training*.done", topics)).toEqual(["training.done", "trainingX.done"]);
    expect(matched("*ing", topics)).toEqual(["training"]);
    expect(matched("v?", ["v", "v1", "v12", "v.1"])).toEqual(["v1"]);
    expect(matched("[ab]c", ["ac", "bc", "cc", "abc"])).toEqual(["ac", "bc"]);
    expect(matched("n[0-9]", ["n1", "nx", "n10"])).toEqual(["n1"]);
    expect(matched("*_*", ["_", "a_b", "ab", "a_b_c"])).toEqual(["_", "a_b", "a_b_c"]);
    expect(matched("?.**", ["a", "ab", "a.b"])).toEqual(["a", "a.b"]);
  });

  it("calls a subscription once, however many of its alternatives match", () => {
    const own = createEventBus();
    let calls = 0;
    own.subscribe("{a,*,a*,**}.{b,*}", () => {
      calls += 1;
    });
    own.subscribe("**.**.a", () => {
      calls += 1;
    });
    own.publishSync("a.b");
    expect(calls).toBe(1);
    own.publishSync("x.y.a");
    expect(calls).toBe(3);
  });

  it("written as a regular expression is refused, and the error says what to write", () => {
    const error = subscribeError("training\\..*");
    expect(error).toMatchObject({ name: "EventBusError", code: "INVALID_PATTERN" });
    expect(error.message).toContain('write "training.*"');
    expect(error.message).toContain("/training\\..*/");
    expect(subscribeError("^training\\.(a|b)*$").message).toContain("RegExp");
    expect(subscribeError("training\\.done").message).toContain('write "training.done"');
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it.each([
    ["a..*", "empty segment"],
    ["*.", "empty segment"],
    ["a.**b", "'**' inside the segment"],
    ["***", "'**' inside the segment"],
    ["*a*b*", "more than 2 '*' in the segment"],
    ["**.**.**.**", "more than 3 '**'"],
    [`${"a.".repeat(16)}*`, "17 segments"],
    [`${"a".repeat(256)}*`, "257 characters"],
    ["{a,{b,c}}", "nested or unbalanced braces"],
    ["{a,b", "nested or unbalanced braces"],
    ["a}b*", "nested or unbalanced braces"],
    ["{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 64 patterns"],
    ["a,b.*", "',' belongs in braces"],
    ["[a", "Brackets hold"],
    ["[]a", "Brackets hold"],
    ["[!a]", 'character "!"'],
    ["[^a]", 'character "^"'],
    ["[z-a]", 'backward range "z-a"'],
    ["[[:alpha:]]", 'character ":"'],
    ["{1..3}", "empty segment"],
    ["a.*(b)", 'character "("'],
    ["+(a)*", 'character "+"'],
    ["@(a)*", 'character "@"'],
    ["!a*", 'character "!"'],
    ['"a"*', 'character """'],
    ["a/*", 'character "/"'],
    ["a *", 'character " "'],
  ])("that is %j is refused, naming it and what is wrong", (pattern, why) => {
    const error = subscribeError(pattern);
    expect(error).toMatchObject({ name: "EventBusError", code: "INVALID_PATTERN" });
    expect(error.message).toContain(why);
    expect(error.message).toContain(pattern.slice(0, 20));
  });

  it("may stand for 64 others and have 256 characters, 16 segments, 3 '**', 2 '*' a segment", () => {
    const own = createEventBus();
    own.subscribe("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", () => {});
    own.subscribe(`${"a".repeat(255)}*`, () => {});
    own.subscribe(`${"a.".repeat(15)}*`, () => {});
    own.subscribe("**.a.**.b.**", () => {});
    own.subscribe("*a*.*b*", () => {});
    expect(own.publishSync("ababab")).toBe(1);
    expect(own.publishSync("x.a.y.b")).toBe(1);
    expect(own.publishSync("xax.xbx")).toBe(1);
  });

  it("is refused in histories, replays, waits and streams in the same way", async () => {
    const refused = { code: "INVALID_PATTERN" };
    expect(() => bus.getHistory({ topic: "a.(*)" })).toThrow(expect.objectContaining(refused));
    expect(() => bus.stream("a.(*)")).toThrow(expect.objectContaining(refused));
    expect(() => bus.subscriber("a.(*)")).toThrow(expect.objectContaining(refused));
    await expect(bus.replay(() => {}, { topic: "a.(*)" })).rejects.toMatchObject(refused);
    await expect(bus.waitFor("a.(*)")).rejects.toMatchObject(refused);
  });
});
