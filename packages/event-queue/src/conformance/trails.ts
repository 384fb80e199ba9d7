import { createLineage, runWithEvent } from "@ringrift/envelope";
import { expect } from "vitest";
import type { EventQueue } from "../contract.ts";
import { gate, PLACED, sleep, type TestCase, until } from "./suite.ts";

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
    await queue.send(PLACED, {});
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
