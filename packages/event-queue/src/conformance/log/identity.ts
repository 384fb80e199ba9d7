import { createLineage, pickLineage } from "@ringrift/envelope";
import { expect } from "vitest";
import { expectCode, PAID, PLACED, type TestCase, until } from "../harness/suite.ts";

export function identity(test: TestCase): void {
  test("nothing is deduplicated by content", async (lab) => {
    const queue = lab.open();
    const first = await queue.send(PLACED, { cents: 1 });
    const second = await queue.send(PLACED, { cents: 1 });
    expect(second.id).not.toBe(first.id);
    expect(await queue.history()).toHaveLength(2);
  });

  test("the same dedupe key gives the event stored first, whatever its payload", async (lab) => {
    const queue = lab.open();
    const first = await queue.send(PLACED, { n: 1 }, { dedupeKey: "order-1" });
    const second = await queue.send(PLACED, { n: 2 }, { dedupeKey: "order-1" });
    expect(second).toEqual({ ...first, duplicate: true });
    expect(await queue.history()).toHaveLength(1);
    expect(await queue.stats()).toMatchObject({ sent: 1, duplicates: 1, events: 1 });
  });

  test("a dedupe key counts only within its type, also while its event is delayed", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 }, { dedupeKey: "7" });
    const other = await queue.send(PAID, { n: 2 }, { dedupeKey: "7" });
    expect(other).toMatchObject({ type: PAID, payload: { n: 2 } });
    expect(other).not.toHaveProperty("duplicate");
    const again = await queue.sendMany([
      { type: PLACED, payload: { n: 3 }, dedupeKey: "7" },
      { type: PAID, payload: { n: 4 }, dedupeKey: "7" },
    ]);
    expect(again.map(({ payload, duplicate }) => [payload.n, duplicate])).toEqual([
      [1, true],
      [2, true],
    ]);
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

  test("sending a stored event again adds nothing and says so, whatever has happened to it on its way", async (lab) => {
    const queue = lab.open();
    const lineage = createLineage({ source: "trainer" });
    const first = await queue.send(PLACED, { n: 1, deep: { a: [1], b: 2 } }, { lineage });
    const later = {
      ...lineage,
      via: ["another/bus"],
      origin: "another",
      time: lineage.time + 1,
    };
    const options = { lineage: later, key: "other", headers: { other: "yes" } };
    const second = await queue.send(PLACED, { deep: { b: 2, a: [1] }, n: 1 }, options);
    expect(second).toEqual({ ...first, duplicate: true });
    expect(await queue.history()).toEqual([first]);
  });

  test("an id that is stored with another type or payload is refused, counted, named by its index, and nothing of its sendMany is stored", async (lab) => {
    const queue = lab.open();
    const lineage = createLineage();
    const first = await queue.send(PLACED, { n: 1 }, { lineage });
    await expectCode(() => queue.send(PAID, { n: 1 }, { lineage }), "ID_TAKEN");
    await expectCode(() => queue.send(PLACED, { n: 2 }, { lineage }), "ID_TAKEN");
    const error = await expectCode(
      () =>
        queue.sendMany([
          { type: PLACED, payload: { n: 3 } },
          { type: PLACED, payload: { n: 4 }, lineage },
        ]),
      "ID_TAKEN",
    );
    expect(error.message).toContain("Event 1 of sendMany");
    const twice = createLineage();
    await expectCode(
      () =>
        queue.sendMany([
          { type: PLACED, payload: { n: 5 }, lineage: twice },
          { type: PLACED, payload: { n: 6 }, lineage: twice },
        ]),
      "ID_TAKEN",
    );
    expect(await queue.history()).toEqual([first]);
    expect((await queue.stats()).dropped).toMatchObject({ "id-taken": 4 });
  });

  test(
    "an id that waits for its time is taken as well, and a delayed one finds what is stored",
    async (lab) => {
      const queue = lab.open();
      const [waiting, stored] = [createLineage(), createLineage()];
      await queue.send(PLACED, { n: 1 }, { lineage: waiting, delayMs: 60_000 });
      await queue.send(PLACED, { n: 2 }, { lineage: stored });
      await expectCode(() => queue.send(PLACED, { n: 3 }, { lineage: waiting }), "ID_TAKEN");
      const late = { lineage: stored, delayMs: 60_000 };
      expect(await queue.send(PLACED, { n: 2 }, late)).toMatchObject({ duplicate: true });
      await expectCode(() => queue.send(PLACED, { n: 4 }, late), "ID_TAKEN");
      expect(await queue.stats()).toMatchObject({ events: 1, delayed: 1 });
    },
    ["delayedSends"],
  );

  test("a dedupe key that is known answers first, also where the id is another event's", async (lab) => {
    const queue = lab.open();
    const lineage = createLineage();
    await queue.send(PLACED, { n: 1 }, { lineage });
    const keyed = await queue.send(PLACED, { n: 2 }, { dedupeKey: "order-2" });
    const options = { lineage, dedupeKey: "order-2" };
    expect(await queue.send(PLACED, { n: 3 }, options)).toEqual({ ...keyed, duplicate: true });
    const own = { lineage: pickLineage(keyed), dedupeKey: "order-2" };
    expect(await queue.send(PLACED, { n: 4 }, own)).toEqual({ ...keyed, duplicate: true });
    const [again] = await queue.sendMany([{ type: PLACED, payload: { n: 5 }, ...own }]);
    expect(again).toEqual({ ...keyed, duplicate: true });
  });

  test(
    "an id is known to every instance, whatever dedupe keys it is sent with, and whoever has made it",
    async (lab) => {
      const [one, other] = [lab.open(), lab.open()];
      for (const dedupeKey of [undefined, "first"]) {
        const first = await one.send(PLACED, { n: 1 }, { dedupeKey });
        const lineage = pickLineage(first);
        for (const later of [undefined, "second", dedupeKey]) {
          const options = { lineage, dedupeKey: later };
          const again = await other.send(PLACED, { n: 1 }, options);
          expect(again).toEqual({ ...first, duplicate: true });
        }
        const [again] = await other.sendMany([{ type: PLACED, payload: { n: 1 }, lineage }]);
        expect(again).toEqual({ ...first, duplicate: true });
        const taken = { lineage, dedupeKey: "third" };
        await expectCode(() => other.send(PLACED, { n: 2 }, taken), "ID_TAKEN");
      }
      expect(await one.history()).toHaveLength(2);
    },
    ["multipleInstances"],
  );

  test(
    "an id is known while its event waits, and when it has come in, whatever dedupe keys it is sent with",
    async (lab) => {
      const [one, other] = [lab.open(), lab.open()];
      for (const dedupeKey of [undefined, "first"]) {
        const first = await one.send(PLACED, { n: 1 }, { dedupeKey, delayMs: 1_000 });
        const lineage = pickLineage(first);
        const sendAgain = async (): Promise<void> => {
          for (const later of [undefined, "second"]) {
            for (const delayMs of [undefined, 60_000]) {
              const options = { lineage, dedupeKey: later, delayMs };
              const again = await other.send(PLACED, { n: 1 }, options);
              expect(again).toMatchObject({ id: first.id, duplicate: true });
            }
          }
        };
        await sendAgain();
        await until("it has come in", async () => (await one.stats()).delayed === 0);
        await sendAgain();
      }
      expect(await one.history()).toHaveLength(2);
    },
    ["multipleInstances", "delayedSends"],
  );

  test("causes and depth are stored with the rest of a lineage", async (lab) => {
    const queue = lab.open();
    const causes = [createLineage().id, createLineage().id];
    const lineage = { ...createLineage({ causes }), depth: 7 };
    await queue.send(PLACED, {}, { lineage });
    await queue.send(PLACED, {});
    const [joined, other] = await queue.history();
    expect(joined).toMatchObject({ causes, depth: 7 });
    expect(other).not.toHaveProperty("causes");
    expect(other).not.toHaveProperty("depth");
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
