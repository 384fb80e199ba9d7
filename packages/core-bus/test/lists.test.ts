import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

describe("a list of topics and patterns", () => {
  it("gets the events of all of them, each once even if several match", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscribe(["order.placed", "order.*", "{order,user}.placed", "order.*"], (event) =>
      seen.push(event.topic),
    );
    for (const topic of ["order.placed", "order.paid", "user.placed", "user.paid"]) {
      bus.publishSync(topic);
    }
    expect((await bus.publish("order.placed")).delivered).toBe(1);
    expect(seen).toEqual(["order.placed", "order.paid", "user.placed", "order.placed"]);
  });

  it("is one subscription, called in its turn, and leaves nothing when it ends", () => {
    const bus = createEventBus();
    const called: string[] = [];
    bus.subscribe("a", () => called.push("before"));
    const list = bus.subscribe(["a", "b", "a"], () => called.push("list"));
    bus.subscribe("a", () => called.push("after"));
    bus.subscribe("*", () => called.push("first"), { priority: 1 });
    bus.publishSync("a");
    expect(called).toEqual(["first", "before", "list", "after"]);
    expect([list.topic, bus.stats().subscriptions.all]).toEqual(["a, b, a", 4]);
    list();
    expect([bus.publishSync("a"), bus.publishSync("b")]).toEqual([3, 1]);
  });

  it("is taken by whatever takes a topic", async () => {
    const bus = createEventBus();
    bus.publishSync("a", 0);
    const past: unknown[] = [];
    bus.subscribe(["a", "b"], (event) => past.push(event.payload), { replay: true });
    const once: unknown[] = [];
    bus.once(["b", "c"], (event) => once.push(event.payload));
    const decorated: unknown[] = [];
    bus.subscriber(["c", "d"])((event) => decorated.push(event.payload));
    const waiting = bus.waitFor(["x", "b"]);
    const stream = bus.stream(["d", "b"]);
    for (const topic of ["b", "c", "d"]) bus.publishSync(topic, topic);
    expect([past, once, decorated]).toEqual([[0, "b"], ["b"], ["c", "d"]]);
    expect((await waiting).payload).toBe("b");
    const read = [await stream.next(), await stream.next()];
    expect(read.map(({ value }) => value?.payload)).toEqual(["b", "d"]);
  });

  it.each([
    ["nothing", [], "INVALID_TOPIC"],
    ["what is no topic", ["a", "b:c"], "INVALID_TOPIC"],
    ["what is no text", ["a", 1], "INVALID_TOPIC"],
    ["another list", ["a", ["b"]], "INVALID_TOPIC"],
    ["what is no pattern", ["a", "b.**c"], "INVALID_PATTERN"],
  ])("is refused with %s in it", (_, list, code) => {
    const bus = createEventBus();
    expect(() => bus.subscribe(list as never, () => {})).toThrow(expect.objectContaining({ code }));
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("gets what subscriptions to each of its members get together, before and after others end", () => {
    const member = fc.constantFrom("a", "b", "a.b", "*", "a.*", "**", "{a,b}", "{a,b}.b", "[ab]");
    fc.assert(
      fc.property(
        fc.array(fc.array(member, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (lists, ended) => {
          const bus = createEventBus({ history: false });
          const subs = lists.map((list, index) => {
            const seen = new Map<string, number>();
            const count = ({ topic }: { topic: string }): void =>
              void seen.set(topic, (seen.get(topic) ?? 0) + 1);
            return { list, seen, sub: bus.subscribe(list, count, { name: `${index}` }) };
          });
          subs.splice(ended % subs.length, 1)[0]!.sub();
          for (const { list, seen } of subs) {
            const union = new Set<string>();
            const apart = createEventBus({ history: false });
            for (const text of list) apart.subscribe(text, (event) => union.add(event.topic));
            for (const topic of ["a", "b", "c", "a.b", "b.b"]) apart.publishSync(topic);
            seen.clear();
            for (const topic of ["a", "b", "c", "a.b", "b.b"]) bus.publishSync(topic);
            expect(seen).toEqual(new Map([...union].map((topic) => [topic, 1])));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
