import { describe, expect, test } from "vitest";
import { QueueError } from "../src/index.ts";
import { consumer, eventually, leased, Source } from "./fed-source.ts";

describe("a consumer that looks at a lease before it begins", () => {
  test("begins nothing whose lease is over: it counts as lost, and is given back", async () => {
    const source = new Source();
    const over = leased({ leftMs: () => 0 });
    const held = leased({ leftMs: () => 60_000 });
    const seen: unknown[] = [];
    const made = consumer(source, ({ position }: { position: number }) => seen.push(position));
    source.feed(over, held);
    await eventually(() => expect(made.stats()).toMatchObject({ handled: 1, leasesLost: 1 }));
    expect(seen).toEqual([held.position]);
    expect(source.released).toEqual([over]);
  });

  test("renews a lease before it begins when no timer ran for half of it", async () => {
    const source = new Source();
    const log: string[] = [];
    let left = 29_000;
    const extend = async (ms: number): Promise<number> => {
      await new Promise((done) => setTimeout(done, 5));
      log.push("renewed");
      left = ms;
      return ms;
    };
    const made = consumer(source, () => log.push("begun"));
    source.feed(leased({ extend, leftMs: () => left }), leased({ leftMs: () => 31_000 }));
    await eventually(() => expect(made.stats().handled).toBe(2));
    expect(log).toEqual(["renewed", "begun", "begun"]);
  });

  test("begins, while the lease holds, also when it can't be renewed", async () => {
    const source = new Source();
    const errors: unknown[] = [];
    const extend = async (): Promise<number> => {
      throw new QueueError("QUEUE_BUSY", "busy");
    };
    const made = consumer(source, () => {}, { onError: (error) => errors.push(error) });
    source.feed(leased({ extend, leftMs: () => 29_000 }));
    await eventually(() => expect(made.stats().handled).toBe(1));
    expect(errors).toMatchObject([{ code: "QUEUE_BUSY" }]);
  });
});
