import { createLineage } from "@ringrift/envelope";
import { expect } from "vitest";
import { PAID, PLACED, type TestCase, until } from "./suite.ts";

export function identity(test: TestCase): void {
  test("nothing is deduplicated by content", async (lab) => {
    const queue = lab.open();
    const first = await queue.send(PLACED, { cents: 1 });
    const second = await queue.send(PLACED, { cents: 1 });
    expect(second.id).not.toBe(first.id);
    expect(await queue.history()).toHaveLength(2);
  });

  test("the same dedupe key gives the event stored first, whatever its type", async (lab) => {
    const queue = lab.open();
    const first = await queue.send(PLACED, { n: 1 }, { dedupeKey: "order-1" });
    const second = await queue.send(PAID, { n: 2 }, { dedupeKey: "order-1" });
    expect(second).toEqual({ ...first, duplicate: true });
    expect(await queue.history()).toHaveLength(1);
    expect(await queue.stats()).toMatchObject({ sent: 1, duplicates: 1, events: 1 });
  });

  test("the same dedupe key counts within one sendMany", async (lab) => {
    const queue = lab.open();
    const [first, second, other] = await queue.sendMany([
      { type: PLACED, payload: { n: 1 }, dedupeKey: "order-1" },
      { type: PLACED, payload: { n: 2 }, dedupeKey: "order-1" },
      { type: PLACED, payload: { n: 3 }, dedupeKey: "order-2" },
    ]);
    expect(second).toMatchObject({ id: first?.id, payload: { n: 1 }, duplicate: true });
    expect(other).not.toHaveProperty("duplicate");
    expect(await queue.history()).toHaveLength(2);
  });

  test("of sends at once with one dedupe key exactly one adds an event", async (lab) => {
    const queue = lab.open();
    const sent = await Promise.all(
      Array.from({ length: 10 }, (_, n) => queue.send(PLACED, { n }, { dedupeKey: "once" })),
    );
    expect(sent.filter(({ duplicate }) => duplicate !== true)).toHaveLength(1);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    expect(await queue.history()).toHaveLength(1);
  });

  test(
    "a dedupe key is known to every instance",
    async (lab) => {
      const first = await lab.open().send(PLACED, {}, { dedupeKey: "order-1" });
      const second = await lab.open().send(PLACED, {}, { dedupeKey: "order-1" });
      expect(second).toMatchObject({ id: first.id, duplicate: true });
    },
    ["multipleInstances"],
  );

  test(
    "a dedupe key is forgotten after its window",
    async (lab) => {
      const queue = lab.open({ dedupeWindowMs: 100 });
      const first = await queue.send(PLACED, {}, { dedupeKey: "order-1" });
      await until("the window is over", async () => {
        const again = await queue.send(PLACED, {}, { dedupeKey: "order-1" });
        return again.id !== first.id;
      });
      expect(await queue.history()).toHaveLength(2);
    },
    ["dedupeWindow"],
  );

  test("a given lineage is stored unchanged", async (lab) => {
    const queue = lab.open();
    const parent = createLineage({ source: "shop" });
    const lineage = {
      ...createLineage({
        source: "trainer",
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        parent,
      }),
      via: ["node/bus-1", "node/queue-1"],
    };
    const sent = await queue.send(PLACED, {}, { lineage });
    expect(sent).toMatchObject(lineage);
    expect((await queue.history())[0]).toMatchObject(lineage);
  });

  test("sending a stored id again adds nothing and says so", async (lab) => {
    const queue = lab.open();
    const lineage = createLineage({ source: "trainer" });
    const first = await queue.send(PLACED, { n: 1 }, { lineage });
    const later = { ...lineage, via: ["another/bus"] };
    const second = await queue.send(PAID, { n: 2 }, { lineage: later });
    expect(second).toEqual({ ...first, duplicate: true });
    expect(await queue.history()).toEqual([first]);
  });

  test("the same id counts within one sendMany", async (lab) => {
    const queue = lab.open();
    const lineage = createLineage();
    const sent = await queue.sendMany([
      { type: PLACED, payload: {}, lineage },
      { type: PLACED, payload: {}, lineage },
    ]);
    expect(sent.map(({ duplicate }) => duplicate)).toEqual([undefined, true]);
    expect(await queue.history()).toHaveLength(1);
  });
}
