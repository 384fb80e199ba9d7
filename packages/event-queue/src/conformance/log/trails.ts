import { createLineage, isDerivedId, runDetached, runWithEvent } from "@ringrift/envelope";
import { expect } from "vitest";
import type { EventQueue } from "../../contract/event-queue.ts";
import { injectFaults } from "../harness/faults.ts";
import { expectCode, gate, PAID, PLACED, sleep, type TestCase, until } from "../harness/suite.ts";

const SOON = { initialMs: 1, maxMs: 5 };
const CHILD = "RECEIPT_SENT";

export function trails(test: TestCase): void {
  test("what a handler sends inherits correlation, causation and trace, also after an await", async (lab) => {
    const queue = lab.open();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const parent = await queue.send(PLACED, {}, { correlationId: "checkout-7", traceparent });
    const options = { group: "mailer", eventTypes: [PLACED] };
    const consumer = queue.consume(options, async () => {
      await sleep(1);
      await queue.send(CHILD, {});
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    const [child] = await childrenOf(queue);
    expect(child).toMatchObject({
      correlationId: "checkout-7",
      causationId: parent.id,
      traceparent,
    });
  });

  test("a handler's trail is that of its event, not of whoever made the consumer", async (lab) => {
    const queue = lab.open();
    const parent = await queue.send(PLACED, {});
    const consumer = runWithEvent(createLineage(), () =>
      queue.consume({ group: "mailer", eventTypes: [PLACED] }, () => queue.send(CHILD, {})),
    );
    await until("it is handled", () => consumer.stats().handled === 1);
    const [child] = await childrenOf(queue);
    expect(child).toMatchObject({ correlationId: parent.id, causationId: parent.id });
  });

  test("what is sent outside of a handler begins a trail", async (lab) => {
    const queue = lab.open();
    const sent = await queue.send(PLACED, {});
    expect(sent.correlationId).toBe(sent.id);
    expect(sent).not.toHaveProperty("causationId");
  });

  test("a retry doesn't multiply what the handler sends, and several sends of one attempt all count", async (lab) => {
    const queue = lab.open();
    const parent = await queue.send(PLACED, {});
    const results: unknown[] = [];
    const options = { group: "mailer", eventTypes: [PLACED], backoff: SOON };
    const consumer = queue.consume(options, async (event) => {
      const first = await queue.send(CHILD, { n: 1 });
      const [second] = await queue.sendMany([{ type: CHILD, payload: { n: 2 } }]);
      results.push(first.duplicate, second?.duplicate);
      if (event.attempt === 1) throw new Error("after its sends");
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    expect((await childrenOf(queue)).map(({ payload }) => payload.n)).toEqual([1, 2]);
    expect(results).toEqual([undefined, undefined, true, true]);
    for (const child of await childrenOf(queue)) {
      expect(child).toMatchObject({ causationId: parent.id, depth: 1 });
      expect(isDerivedId(child.id)).toBe(true);
      expect(child.id.slice(0, 13)).toBe(parent.id.slice(0, 13));
    }
  });

  test("a retry that takes another path loses nothing, and equal children count as often as they are sent", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    const paths = [["a", "b", "b"], ["c"], ["b", "a", "b", "b"]];
    const consumer = queue.consume(
      { group: "mailer", eventTypes: [PLACED], backoff: SOON },
      async (event) => {
        for (const n of paths[event.attempt - 1] ?? []) await queue.send(CHILD, { n });
        if (event.attempt < paths.length) throw new Error("after its sends");
      },
    );
    await until("it is handled", () => consumer.stats().handled === 1);
    const sent = (await childrenOf(queue)).map(({ payload }) => String(payload.n));
    expect(sent.toSorted()).toEqual(["a", "b", "b", "b", "c"]);
  });

  test("children differ by all that their sender gives, but not by when they are to come, nor by the order of fields", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    const options = { group: "mailer", eventTypes: [PLACED], backoff: SOON };
    const consumer = queue.consume(options, async ({ attempt }) => {
      const order = attempt === 1 ? { a: 1, b: 2 } : { b: 2, a: 1 };
      await queue.send(CHILD, order);
      await queue.send(CHILD, order, { key: "k" });
      await queue.send(CHILD, order, { headers: { h: "1" } });
      await queue.send(CHILD, order, { source: "trainer" });
      await queue.send(CHILD, order, { correlationId: "job-7" });
      await queue.send(PAID, order);
      if (attempt === 1) throw new Error("after its sends");
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    expect(await childrenOf(queue)).toHaveLength(5);
    expect(await queue.history({ eventTypes: [PAID] })).toHaveLength(1);
  });

  test(
    "a delayed child is one at each attempt, whatever its delay then is",
    async (lab) => {
      const queue = lab.open();
      await queue.send(PLACED, {});
      const options = { group: "mailer", eventTypes: [PLACED], backoff: SOON };
      const consumer = queue.consume(options, async ({ attempt }) => {
        await queue.send(CHILD, {}, { delayMs: 10 * attempt });
        // At the last attempt it is in the log already.
        if (attempt === 2)
          await until("it is due", async () => (await childrenOf(queue)).length > 0);
        if (attempt < 3) throw new Error("after its send");
      });
      await until("it is handled", () => consumer.stats().handled === 1);
      await sleep(60);
      expect(await childrenOf(queue)).toHaveLength(1);
      expect(await queue.stats()).toMatchObject({ delayed: 0 });
    },
    ["delayedSends"],
  );

  test("what a handler sends after it has settled, or detached, is nobody's child", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    const options = { group: "mailer", eventTypes: [PLACED], backoff: SOON };
    const late: Promise<unknown>[] = [];
    const consumer = queue.consume(options, async ({ attempt }) => {
      late.push(
        sleep(5).then(() => queue.send(CHILD, { n: "late" })),
        runDetached(() => queue.send(CHILD, { n: "detached" })),
      );
      if (attempt === 1) throw new Error("at once");
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    await Promise.all(late);
    const children = await childrenOf(queue);
    expect(children.map(({ payload }) => String(payload.n)).toSorted()).toEqual([
      "detached",
      "detached",
      "late",
      "late",
    ]);
    expect(children.filter(({ id }) => isDerivedId(id))).toEqual([]);
  });

  test("a send that fails and is tried again by its handler is one child, also when only its answer was lost", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    const faults = injectFaults(queue);
    const options = { group: "mailer", eventTypes: [PLACED] };
    const results: unknown[] = [];
    const consumer = queue.consume(options, async () => {
      faults.loseNextAnswer();
      await expectCode(() => queue.send(CHILD, { n: 1 }), "ANSWER_LOST");
      results.push((await queue.send(CHILD, { n: 1 })).duplicate);
      results.push((await queue.send(CHILD, { n: 1 })).duplicate);
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    expect(results).toEqual([true, undefined]);
    expect(await childrenOf(queue)).toHaveLength(2);
  });

  test("a handler's own dedupe key is left as it is", async (lab) => {
    const queue = lab.open();
    await queue.sendMany([
      { type: PLACED, payload: {} },
      { type: PLACED, payload: {} },
    ]);
    const options = { group: "mailer", eventTypes: [PLACED] };
    const consumer = queue.consume(options, () => queue.send(CHILD, {}, { dedupeKey: "daily" }));
    await until("both are handled", () => consumer.stats().handled === 2);
    expect(await childrenOf(queue)).toHaveLength(1);
  });

  test("each group's handler has children of its own", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    const consumers = ["mailer", "ledger"].map((group) =>
      queue.consume({ group, eventTypes: [PLACED] }, () => queue.send(CHILD, {})),
    );
    await until("both are handled", () => consumers.every((one) => one.stats().handled === 1));
    expect(await childrenOf(queue)).toHaveLength(2);
  });

  test("dedupeChildren: false leaves repetition to the handler", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, {});
    const options = {
      group: "mailer",
      eventTypes: [PLACED],
      backoff: SOON,
      dedupeChildren: false,
    };
    const consumer = queue.consume(options, async (event) => {
      await queue.send(CHILD, {});
      if (event.attempt === 1) throw new Error("after its send");
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    expect(await childrenOf(queue)).toHaveLength(2);
  });

  test(
    "a member that takes over doesn't multiply what the lost one sent",
    async (lab) => {
      const lost = lab.open();
      await lost.send(PLACED, {});
      const { opened, open } = gate();
      const policy = { group: "mailer", eventTypes: [PLACED], leaseMs: 200 };
      let sent = 0;
      const first = lost.consume(policy, async () => {
        await lost.send(CHILD, {});
        sent += 1;
        await opened;
      });
      await until("it has sent", () => sent === 1);
      expect(await first.stop({ timeoutMs: 0 })).toMatchObject({ left: 1 });
      await lost.close();
      const next = lab.open();
      const second = next.consume(policy, () => next.send(CHILD, {}));
      await until("it is handled", () => second.stats().handled === 1);
      open();
      expect(await childrenOf(next)).toHaveLength(1);
    },
    ["multipleInstances"],
  );
}

function childrenOf(queue: EventQueue): ReturnType<EventQueue["history"]> {
  return queue.history({ eventTypes: [CHILD] });
}
