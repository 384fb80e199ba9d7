import { type Contracts, createLineage, type EventView } from "@ringrift/envelope";
import { expect } from "vitest";
import { expectCode, PAID, PLACED, type TestCase } from "../harness/suite.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function sending(test: TestCase): void {
  test("send resolves to the event as it is stored", async (lab) => {
    const queue = lab.open();
    const before = Date.now();
    const sent = await queue.send(PLACED, { cents: 4200 });
    expect(sent).toMatchObject({
      type: PLACED,
      payload: { cents: 4200 },
      headers: {},
      source: "",
      correlationId: sent.id,
      via: [],
      attempt: 0,
      redelivered: false,
    });
    expect(sent.id).toMatch(UUID);
    expect(sent.position).toBeGreaterThan(0);
    expect(sent.origin).not.toBe("");
    expect(sent.storedAt).toBeGreaterThan(before - 60_000);
    expect(sent).not.toHaveProperty("duplicate");
    expect(sent).not.toHaveProperty("causationId");
    expect(await queue.history()).toEqual([sent]);
  });

  test("what accompanies a payload is stored with it", async (lab) => {
    const queue = lab.open();
    const options = {
      key: "order-1",
      headers: { tenant: "acme", "x-note": "ünïcode ✓" },
      source: "shop",
      correlationId: "checkout-7",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    };
    await queue.send(PLACED, {}, options);
    expect((await queue.history())[0]).toMatchObject(options);
  });

  test("a payload is taken as it is at the call", async (lab) => {
    const queue = lab.open();
    const payload = { items: ["book"] };
    const sending = queue.send(PLACED, payload);
    payload.items.push("pen");
    await sending;
    expect((await queue.history())[0]?.payload).toEqual({ items: ["book"] });
  });

  test("no reader can change what is stored", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { items: ["book"] });
    const [seen] = await queue.history();
    seen?.payload.items.push("pen");
    expect((await queue.history())[0]?.payload).toEqual({ items: ["book"] });
  });

  const payloads: readonly (readonly [string, unknown])[] = [
    ["null", null],
    ["false", false],
    ["zero", 0],
    ["a negative fraction", -0.125],
    ["a large number", Number.MAX_VALUE],
    ["an empty string", ""],
    ["every plane of Unicode, and NUL", 'é 漢 🎲 \u0000 \u2028 " \\'],
    ["an empty array", []],
    ["nested objects", { a: [{ b: { c: [1, [2, [3]]] } }] }],
    ["keys that objects have anyway", { constructor: 1, toString: 2, hasOwnProperty: 3, "": 4 }],
  ];
  for (const [name, payload] of payloads) {
    test(`a payload comes back as it was: ${name}`, async (lab) => {
      const queue = lab.open();
      const sent = await queue.send(PLACED, payload);
      expect(sent.payload).toEqual(payload);
      expect((await queue.history())[0]?.payload).toEqual(payload);
    });
  }

  test("undefined fields are dropped, and an undefined payload is null", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { cents: 1, note: undefined });
    await queue.send(PAID, undefined);
    const [placed, paid] = await queue.history();
    expect(Object.keys(placed?.payload)).toEqual(["cents"]);
    expect(paid?.payload).toBeNull();
  });

  test("positions grow in the order of the sends", async (lab) => {
    const queue = lab.open();
    const sent = await Promise.all(Array.from({ length: 20 }, (_, n) => queue.send(PLACED, { n })));
    const positions = sent.map(({ position }) => position);
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
    expect((await queue.history()).map(({ payload }) => payload.n)).toEqual(
      Array.from({ length: 20 }, (_, n) => n),
    );
  });

  test("sendMany gives its results in the order given", async (lab) => {
    const queue = lab.open();
    const sent = await queue.sendMany([
      { type: PLACED, payload: { n: 1 } },
      { type: PAID, payload: { n: 2 }, key: "order-1" },
      { type: PLACED, payload: { n: 3 } },
    ]);
    expect(sent.map(({ payload }) => payload.n)).toEqual([1, 2, 3]);
    expect(await queue.history()).toEqual(sent);
  });

  test("sendMany of nothing stores nothing", async (lab) => {
    const queue = lab.open();
    expect(await queue.sendMany([])).toEqual([]);
    expect(await queue.history()).toEqual([]);
  });

  test("sendMany stores nothing when one event is refused, and says which", async (lab) => {
    const queue = lab.open();
    const error = await expectCode(
      () =>
        queue.sendMany([
          { type: PLACED, payload: { n: 1 } },
          { type: PLACED, payload: { when: new Date() } },
        ]),
      "PAYLOAD_NOT_JSON",
    );
    expect(error.message).toContain("Event 1");
    expect(await queue.history()).toEqual([]);
  });

  const badOnes: readonly (readonly [string, object, string])[] = [
    ["a payload that isn't JSON", { payload: 1n }, "PAYLOAD_NOT_JSON"],
    ["a lineage that isn't one", { lineage: { id: "\u001b" } }, "INVALID_LINEAGE"],
    ["headers in a Map", { headers: new Map([["a", "b"]]) }, "INVALID_HEADERS"],
    ["a malformed type", { type: "9" }, "INVALID_TYPE"],
  ];
  for (const [what, bad, code] of badOnes) {
    test(`${what} is refused within a sendMany by its index`, async (lab) => {
      const queue = lab.open();
      const good = { type: PLACED, payload: { n: 1 } };
      // oxlint-disable-next-line typescript/no-explicit-any -- what the types forbid
      const events: any = [good, { ...good, ...bad }];
      const error = await expectCode(() => queue.sendMany(events), code);
      expect(error.message).toContain("Event 1 of sendMany");
      expect(await queue.history()).toEqual([]);
    });
  }

  test("a hole in a sendMany is refused by its index", async (lab) => {
    const queue = lab.open();
    const events: { type: string; payload: object }[] = [];
    events[1] = { type: PLACED, payload: { n: 1 } };
    const error = await expectCode(() => queue.sendMany(events), "INVALID_OPTION");
    expect(error.message).toContain("Event 0 of sendMany");
    expect(await queue.history()).toEqual([]);
  });

  test("options whose getters throw are refused with the error as the cause", async (lab) => {
    const queue = lab.open();
    const cause = new Error("boom");
    const throwing = {
      get key(): string {
        throw cause;
      },
    };
    const lineage = Object.defineProperty(createLineage(), "id", { get: () => throwing.key });
    for (const options of [throwing, { lineage }]) {
      const error = await expectCode(() => queue.send(PLACED, { n: 1 }, options), "INVALID_OPTION");
      expect(error.cause).toBe(cause);
    }
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const refused: readonly (readonly [string, unknown, string])[] = [
    ["a Date", { when: new Date() }, "PAYLOAD_NOT_JSON"],
    ["a Map", new Map(), "PAYLOAD_NOT_JSON"],
    ["a class instance", { error: new Error("no") }, "PAYLOAD_NOT_JSON"],
    ["a function", { run: () => {} }, "PAYLOAD_NOT_JSON"],
    ["a bigint", { n: 1n }, "PAYLOAD_NOT_JSON"],
    ["NaN", { loss: Number.NaN }, "PAYLOAD_NOT_JSON"],
    ["a lone surrogate", { text: "\uD800" }, "PAYLOAD_NOT_JSON"],
    ["undefined in an array", [undefined], "PAYLOAD_NOT_JSON"],
    ["a cycle", cycle, "PAYLOAD_NOT_JSON"],
    ["65 levels", nested(65), "PAYLOAD_TOO_DEEP"],
    ["100,000 levels", nested(100_000), "PAYLOAD_TOO_DEEP"],
    ["2 MiB", "x".repeat(2_097_152), "PAYLOAD_TOO_LARGE"],
    ["a __proto__ key", JSON.parse('{"a":{"__proto__":{"admin":true}}}'), "PAYLOAD_FORBIDDEN_KEY"],
  ];
  for (const [name, payload, code] of refused) {
    test(`send refuses ${name} and stores nothing`, async (lab) => {
      const queue = lab.open();
      await expectCode(() => queue.send(PLACED, payload), code);
      await queue.send(PAID, {});
      expect((await queue.history()).map(({ type }) => type)).toEqual([PAID]);
    });
  }

  test("a payload that is too large is refused with both sizes, one that just fits is not", async (lab) => {
    const queue = lab.open({ maxPayloadBytes: 1_000 });
    const error = await expectCode(() => queue.send(PLACED, "é".repeat(500)), "PAYLOAD_TOO_LARGE");
    expect(error.message).toContain("1002 bytes");
    expect(error.message).toContain("1000 bytes");
    await queue.send(PLACED, "é".repeat(499));
  });

  const types = ["", "order placed", "1ST", "ORDER/PLACED", "ORDER_*", "A>", "Ä", "A".repeat(129)];
  for (const type of types) {
    test(`send refuses the type ${JSON.stringify(type.slice(0, 20))}`, async (lab) => {
      await expectCode(() => lab.open().send(type, {}), "INVALID_TYPE");
    });
  }

  test("with a catalogue, another bus's spelling is refused with the right one", async (lab) => {
    const view: EventView<Contracts> = {
      kind: "queue",
      names: new Set([PLACED]),
      canonical: (name) => (name === "order.placed" ? PLACED : undefined),
    };
    const queue = lab.open({ events: view });
    const error = await expectCode(() => queue.send("order.placed", {}), "INVALID_TYPE");
    expect(error.message).toContain(`"${PLACED}"`);
    await expectCode(() => queue.receive({ eventTypes: ["order.placed"] }), "INVALID_TYPE");
    await expectCode(() => queue.group("g", { eventTypes: ["order.placed"] }), "INVALID_TYPE");
    expect((await queue.send(PLACED, {})).position).toBeGreaterThan(0);
  });

  test("with a catalogue, a type it lacks is refused with the nearest one, and not stored", async (lab) => {
    const queue = lab.open({
      events: { kind: "queue", names: new Set([PLACED]), canonical: () => undefined },
    });
    const error = await expectCode(() => queue.send(`${PLACED}X`, {}), "INVALID_TYPE");
    expect(error.message).toContain(`Did you mean "${PLACED}"?`);
    const batch = [PLACED, "WEATHER"].map((type) => ({ type, payload: {} }));
    await expectCode(() => queue.sendMany(batch), "INVALID_TYPE");
    await expectCode(() => queue.receive({ eventTypes: ["WEATHER"] }), "INVALID_TYPE");
    await expectCode(() => queue.group("g", { eventTypes: ["WEATHER"] }), "INVALID_TYPE");
    expect(await queue.history()).toEqual([]);
  });

  test("with a catalogue, what says that it failed under the name of a success is refused, and not stored", async (lab) => {
    const view: EventView<Contracts> = {
      kind: "queue",
      names: new Set([PLACED, "ORDER_FAILED"]),
      canonical: (name) => name,
      failureOf: (name) => (name === PLACED ? "ORDER_FAILED" : undefined),
    };
    const queue = lab.open({ events: view });
    const payload = { success: false };
    const error = await expectCode(() => queue.send(PLACED, payload), "WRONG_OUTCOME");
    expect(error.message).toContain('"ORDER_FAILED"');
    const batch = ["ORDER_FAILED", PLACED].map((type) => ({ type, payload }));
    await expectCode(() => queue.sendMany(batch), "WRONG_OUTCOME");
    const hostile = {
      get success(): boolean {
        throw new Error("no");
      },
    };
    await expectCode(() => queue.send(PLACED, hostile), "PAYLOAD_NOT_JSON");
    expect(await queue.history()).toEqual([]);
    await queue.sendMany([
      { type: PLACED, payload: { success: true } },
      { type: "ORDER_FAILED", payload },
    ]);
    expect(await queue.history()).toHaveLength(2);
  });

  test("what is carried with its lineage keeps the headers of the library", async (lab) => {
    const headers = { "ringrift-node": "a" };
    const stored = await lab.open().send(PLACED, {}, { headers, lineage: createLineage({}) });
    expect(stored.headers).toEqual(headers);
  });

  const options: readonly (readonly [string, object, string])[] = [
    ["an empty key", { key: "" }, "INVALID_OPTION"],
    ["a key of 513 characters", { key: "k".repeat(513) }, "INVALID_OPTION"],
    ["an empty dedupe key", { dedupeKey: "" }, "INVALID_OPTION"],
    ["a source that is no string", { source: 1 }, "INVALID_OPTION"],
    ["an option that doesn't exist", { dedupKey: "x" }, "INVALID_OPTION"],
    ["a negative delay", { delayMs: -1 }, "INVALID_OPTION"],
    ["a delay of a year", { delayMs: 31_536_000_000 }, "INVALID_OPTION"],
    ["a header that is no string", { headers: { n: 1 } }, "INVALID_HEADERS"],
    ["a header name with a line break", { headers: { "a\nb": "" } }, "INVALID_HEADERS"],
    ["headers of 17 KiB", { headers: { a: "x".repeat(17_408) } }, "INVALID_HEADERS"],
    ["a header of the library", { headers: { "ringrift-node": "b" } }, "INVALID_HEADERS"],
    ["the same in capitals", { headers: { "RingRift-x": "b" } }, "INVALID_HEADERS"],
    ["a malformed lineage", { lineage: { id: "not a UUID" } }, "INVALID_LINEAGE"],
  ];
  for (const [name, given, code] of options) {
    test(`send refuses ${name}`, async (lab) => {
      const queue = lab.open();
      await expectCode(() => queue.send(PLACED, {}, given), code);
      expect(await queue.history()).toEqual([]);
    });
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}
