import { describe, expect, test } from "vitest";
import type { LeaseOperations } from "../src/backend.ts";
import { type Consumer, QueueError } from "../src/index.ts";
import { consumer, eventually, leased, Source } from "./fed-source.ts";

describe("the consumer loop", () => {
  test("asks for as many events as it can begin, and those ahead", async () => {
    const source = new Source();
    consumer(source, () => {}, { concurrency: 3, prefetch: 2 });
    await eventually(() => expect(source.limits).toEqual([5]));
  });

  test("asks again after a failure, and reports a streak of them once", async () => {
    const source = new Source();
    source.failures = [new Error("one"), new Error("two")];
    const errors: unknown[] = [];
    const made = consumer(source, () => {}, { onError: (error) => errors.push(error) });
    source.feed(leased());
    await eventually(() => expect(made.stats().handled).toBe(1));
    expect(errors).toMatchObject([{ message: "one" }]);
    source.failures = [new QueueError("QUEUE_BUSY", "three")];
    source.feed(leased());
    await eventually(() => expect(made.stats().handled).toBe(2));
    source.feed(leased());
    await eventually(() => expect(made.stats().handled).toBe(3));
    expect(errors).toMatchObject([{ message: "one" }, { message: "three" }]);
  });

  test("gives back, with its attempt, what failed because the queue was full", async () => {
    const source = new Source();
    const errors: unknown[] = [];
    const full = new QueueError("QUEUE_FULL", "no room");
    const nacks: unknown[] = [];
    const event = leased({
      nack: async (options) => {
        nacks.push(options);
        return true;
      },
    });
    const made = consumer(source, () => Promise.reject(full), {
      onError: (error) => errors.push(error),
    });
    const began = performance.now();
    source.feed(event);
    await eventually(() => expect(source.released).toEqual([event]));
    expect(performance.now() - began).toBeGreaterThan(900);
    expect(made.stats()).toMatchObject({ failed: 1, deadLettered: 0 });
    expect(errors).toEqual([full]);
    expect(nacks).toEqual([]);
  });

  test("ends when a retry can't help, and says why", async () => {
    const source = new Source();
    const fatal = new QueueError("SCHEMA_TOO_NEW", "newer");
    source.failures = [fatal];
    const errors: unknown[] = [];
    const made = consumer(source, () => {}, { onError: (error) => errors.push(error) });
    expect(await made.ended).toBe(fatal);
    expect(errors).toEqual([fatal]);
    expect(source.limits).toHaveLength(1);
  });

  test("ends without a word when the queue is closed", async () => {
    const source = new Source();
    source.failures = [new QueueError("QUEUE_CLOSED", "closed")];
    const errors: unknown[] = [];
    const made = consumer(source, () => {}, { onError: (error) => errors.push(error) });
    expect(await made.ended).toBeUndefined();
    expect(errors).toEqual([]);
  });

  test("reports as a process warning when nobody gave onError", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listen);
    try {
      const source = new Source();
      source.failures = [new Error("the disk is gone")];
      consumer(source, () => {});
      await eventually(() => expect(warnings).toHaveLength(1));
      expect(warnings[0]).toMatchObject({ code: "RINGRIFT_QUEUE_ERROR" });
      expect(warnings[0]?.message).toContain("the disk is gone");
      expect(warnings[0]?.message).toContain("mailer");
    } finally {
      process.off("warning", listen);
    }
  });

  test("tries an ack again when the queue is busy", async () => {
    const source = new Source();
    let tries = 0;
    const ack = async (): Promise<boolean> => {
      tries += 1;
      if (tries < 3) throw new QueueError("QUEUE_BUSY", "busy");
      return true;
    };
    const made = consumer(source, () => {});
    source.feed(leased({ ack }));
    await eventually(() => expect(made.stats().handled).toBe(1));
    expect(tries).toBe(3);
  });

  test("goes on when an ack fails for good", async () => {
    const source = new Source();
    const errors: unknown[] = [];
    const made = consumer(source, () => {}, { onError: (error) => errors.push(error) });
    const ack = async (): Promise<boolean> => {
      throw new QueueError("NOT_A_QUEUE", "what is this?");
    };
    source.feed(leased({ ack }), leased());
    await eventually(() => expect(made.stats().handled).toBe(1));
    expect(errors).toMatchObject([{ code: "NOT_A_QUEUE" }]);
  });

  test("counts a lease that was lost before the ack", async () => {
    const source = new Source();
    const made = consumer(source, () => {});
    source.feed(leased({ ack: async () => false }));
    await eventually(() => expect(made.stats()).toMatchObject({ handled: 0, leasesLost: 1 }));
  });

  test("never runs two events of one key at once, even when its source gives both", async () => {
    const source = new Source();
    const running: (string | undefined)[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const made = consumer(
      source,
      async (event: { key?: string }) => {
        running.push(event.key);
        await promise;
      },
      { concurrency: 3 },
    );
    source.feed(leased({}, 1, "a"), leased({}, 1, "a"), leased({}, 1, "b"));
    await eventually(() => expect(running).toEqual(["a", "b"]));
    resolve();
    await eventually(() => expect(made.stats().handled).toBe(3));
    expect(running).toEqual(["a", "b", "a"]);
  });

  test("asks for nothing while it is paused", async () => {
    const source = new Source();
    const made = consumer(source, () => {});
    await eventually(() => expect(source.limits).toHaveLength(1));
    made.pause();
    source.feed(leased());
    await new Promise((done) => setTimeout(done, 30));
    expect(source.queue).toHaveLength(1);
    made.resume();
    await eventually(() => expect(made.stats().handled).toBe(1));
    expect(source.released).toEqual([]);
  });

  test("a stop ends the question it is asking", async () => {
    const source = new Source();
    const made = consumer(source, () => {});
    await eventually(() => expect(source.limits).toHaveLength(1));
    expect(await made.stop()).toEqual({ drained: true, left: 0 });
  });

  test("a handler that stops its consumer with a limit gives up the others, not itself", async () => {
    const source = new Source();
    const settled: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const made: Consumer = consumer(
      source,
      async (event: { key?: string }) => {
        if (event.key === "other") return promise;
        await eventually(() => expect(made.stats().inFlight).toBe(2));
        expect(await made.stop({ timeoutMs: 0 })).toEqual({ drained: false, left: 1 });
      },
      { concurrency: 2 },
    );
    const ack = (name: string) => async (): Promise<boolean> => {
      settled.push(name);
      return true;
    };
    source.feed(leased({ ack: ack("other") }, 1, "other"), leased({ ack: ack("own") }, 1, "own"));
    expect(await made.ended).toBeUndefined();
    resolve();
    expect(settled).toEqual(["own"]);
  });

  test("nacks with the reason, and counts the dead letters it makes", async () => {
    const source = new Source();
    const reasons: unknown[] = [];
    const nack: LeaseOperations["nack"] = async ({ reason }) => {
      reasons.push(reason);
      return true;
    };
    const failure = new Error("no");
    const made = consumer(source, async () => {
      throw failure;
    });
    source.feed(leased({ nack }, 2), leased({ nack }, 3));
    await eventually(() => expect(made.stats()).toMatchObject({ failed: 2, deadLettered: 1 }));
    expect(reasons).toEqual([failure, failure]);
  });

  test("nacks an event for whose type it has no handler", async () => {
    const source = new Source();
    const reasons: unknown[] = [];
    const made = consumer(source, { ORDER_PAID: () => {} });
    const nack: LeaseOperations["nack"] = async ({ reason }) => {
      reasons.push(reason);
      return true;
    };
    source.feed(leased({ nack }));
    await eventually(() => expect(made.stats().failed).toBe(1));
    expect(reasons).toMatchObject([{ code: "HANDLER_MISSING" }]);
  });

  test("renews every third of the lease, and leaves a longer one alone", async () => {
    const source = new Source();
    source.leaseMs = 30;
    const extensions: number[] = [];
    const extend: LeaseOperations["extend"] = async (ms) => {
      extensions.push(ms);
      return ms;
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    const extended = Promise.withResolvers<void>();
    const made = consumer(source, async (_, context) => {
      await eventually(() => expect(extensions.length).toBeGreaterThan(2));
      await context.extend(60_000);
      extensions.length = 0;
      extended.resolve();
      await promise;
    });
    source.feed(leased({ extend }));
    await extended.promise;
    await new Promise((done) => setTimeout(done, 100));
    expect(extensions).toEqual([]);
    resolve();
    await eventually(() => expect(made.stats().handled).toBe(1));
  });

  test("counts a failure whose nack can't be stored", async () => {
    const source = new Source();
    const errors: unknown[] = [];
    const nack: LeaseOperations["nack"] = async () => {
      throw new QueueError("QUEUE_BUSY", "busy");
    };
    const handler = (): never => {
      throw new Error("no");
    };
    const made = consumer(source, handler, { onError: (error) => errors.push(error) });
    source.feed(leased({ nack }));
    await eventually(() => expect(errors).toMatchObject([{ code: "QUEUE_BUSY" }]));
    expect(made.stats()).toMatchObject({ failed: 1, handled: 0, leasesLost: 0, inFlight: 0 });
  });

  test("drops what waits when its lease is lost", async () => {
    const source = new Source();
    source.leaseMs = 15;
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: number[] = [];
    const lost = leased({ extend: async () => false });
    const made = consumer(
      source,
      async (event: { position: number }) => {
        seen.push(event.position);
        await promise;
      },
      { prefetch: 1 },
    );
    const first = leased();
    source.feed(first, lost);
    await eventually(() => expect(source.limits.at(-1)).toBe(1));
    resolve();
    await eventually(() => expect(made.stats().handled).toBe(1));
    expect(seen).toEqual([first.position]);
  });

  test("reports when a renewal fails, and goes on", async () => {
    const source = new Source();
    source.leaseMs = 30;
    const errors: unknown[] = [];
    const extend: LeaseOperations["extend"] = async () => {
      throw new QueueError("QUEUE_BUSY", "busy");
    };
    const handler = (): Promise<void> => eventually(() => expect(errors).not.toEqual([]));
    const made = consumer(source, handler, { onError: (error) => errors.push(error) });
    source.feed(leased({ extend }));
    await eventually(() => expect(made.stats().handled).toBe(1));
    expect(errors[0]).toMatchObject({ code: "QUEUE_BUSY" });
  });

  test("lets timers run however fast the source and the handlers are", async () => {
    const source = new Source();
    const made = consumer(source, () => source.feed(leased()));
    source.feed(leased());
    await new Promise((resolve) => setTimeout(resolve, 20));
    await made.stop();
    expect(made.stats().handled).toBeGreaterThan(1);
  });

  test("a failing onError is reported, not thrown", async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on("warning", listen);
    try {
      const source = new Source();
      source.failures = [new Error("first")];
      consumer(source, () => {}, {
        onError: () => {
          throw new Error("second");
        },
      });
      await eventually(() => expect(warnings).toHaveLength(2));
      expect(warnings.map(({ message }) => message).join()).toMatch(/second.*first/s);
    } finally {
      process.off("warning", listen);
    }
  });
});
