import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { withServer } from "./with-server.ts";

const servers = withServer();
/** One in a hundred was marked. */
const TIMES = 400;

it.each([undefined, "order-1"])(
  "what the server sends to a member that gives up waiting at that moment is no redelivery (key %s)",
  async (key) => {
    const stream = `withdrawn-${key}`;
    const queue = await servers.open({ stream });
    const other = await servers.open({ stream });
    const group = queue.group("mailer");
    await group.ensure();
    const marked: number[] = [];
    for (let n = 0; n < TIMES; n += 1) {
      const ending = new AbortController();
      const waiting = group.receive({ waitMs: 5_000, signal: ending.signal });
      await sleep(3);
      const sent = other.send("ORDER_PLACED", { n }, { key });
      // The server knows of both within a tenth of a ms, now of this and now of that first.
      for (let turns = n % 8; turns > 0; turns -= 1) await setImmediate();
      ending.abort();
      const [settled] = await Promise.allSettled([waiting]);
      await sent;
      const events = settled.status === "fulfilled" ? [...settled.value] : [];
      if (events.length === 0) events.push(...(await group.receive({ waitMs: 5_000 })));
      expect(events).toMatchObject([{ payload: { n } }]);
      for (const event of events) {
        if (event.attempt !== 1 || event.redelivered) marked.push(n);
        await event.ack();
      }
    }
    expect(marked).toEqual([]);
  },
);
