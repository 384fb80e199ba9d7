import fc from "fast-check";
import { expect, test } from "vitest";
import { type LeasedEvent, MemoryEventQueue } from "../src/index.ts";

/** What may happen to a group. Numbers pick one of the leases there are. */
const step = fc.oneof(
  fc.record({ do: fc.constant("send" as const), key: fc.constantFrom(undefined, "a", "b") }),
  fc.record({ do: fc.constant("receive" as const), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constantFrom("ack" as const, "nack" as const), which: fc.nat() }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 80 }) }),
  fc.record({ do: fc.constant("redrive" as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const LEASE_MS = 100;
const MAX_ATTEMPTS = 3;

/** Keeps records of its own next to the queue, and compares. */
class Bookkeeper {
  now = 1_800_000_000_000;
  readonly queue = new MemoryEventQueue({ now: () => this.now });
  readonly #group = this.queue.group("g", {
    leaseMs: LEASE_MS,
    maxAttempts: MAX_ATTEMPTS,
    backoff: { initialMs: 10, maxMs: 40 },
  });
  readonly #sent: string[] = [];
  readonly #acked = new Set<string>();
  readonly #leases: { event: LeasedEvent; until: number }[] = [];
  #firstDeliveries = 0;

  async take(what: Step): Promise<void> {
    if (what.do === "send") {
      const { id } = await this.queue.send("A", {}, { key: what.key });
      this.#sent.push(id);
    } else if (what.do === "receive") await this.#receive(what.limit);
    else if (what.do === "pass") this.now += what.ms;
    else if (what.do === "redrive") await this.queue.deadLetters.redrive({});
    else await this.#settle(what.do, what.which);
    await this.#compare();
  }

  /** Every event ends as handled or dead, and nothing is left. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200; round += 1) {
      this.now += LEASE_MS;
      await this.#receive(10);
      while (this.#leases.length > 0) await this.#settle("ack", 0);
    }
    await this.#compare();
    const [info] = await this.queue.groups.list();
    expect(info).toMatchObject({ pending: 0, inFlight: 0, retrying: 0 });
  }

  async #receive(limit: number): Promise<void> {
    const events = await this.#group.receive({ limit });
    expect(events.length).toBeLessThanOrEqual(limit);
    const positions = events.map(({ position }) => position);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    for (const event of events) {
      expect(event.attempt).toBeLessThanOrEqual(MAX_ATTEMPTS);
      expect(this.#acked).not.toContain(event.id);
      const live = this.#leases.filter(({ until }) => until > this.now);
      expect(live.map((lease) => lease.event.id)).not.toContain(event.id);
      if (event.key !== undefined) {
        expect(live.map((lease) => lease.event.key)).not.toContain(event.key);
      }
      if (event.key === undefined && !event.redelivered) {
        expect(event.position).toBeGreaterThan(this.#firstDeliveries);
        this.#firstDeliveries = event.position;
      }
      this.#leases.push({ event, until: this.now + LEASE_MS });
    }
  }

  async #settle(how: "ack" | "nack", which: number): Promise<void> {
    const [lease] = this.#leases.splice(which % Math.max(this.#leases.length, 1), 1);
    if (lease === undefined) return;
    const done = await lease.event[how]();
    // Before its end nobody can have taken a lease away.
    if (lease.until > this.now) expect(done).toBe(true);
    if (done && how === "ack") this.#acked.add(lease.event.id);
  }

  async #compare(): Promise<void> {
    const letters = await this.queue.deadLetters.list();
    const dead = new Set(letters.map(({ id }) => id));
    expect(dead.size).toBe(letters.length);
    for (const id of dead) expect(this.#acked).not.toContain(id);
    const [info] = await this.queue.groups.list();
    if (info === undefined) return;
    expect(info.pending).toBe(this.#sent.length - this.#acked.size - dead.size);
    expect(info.deadLetters).toBe(dead.size);
  }
}

test("whatever happens, every event of a group is handled once or dead, and the counts agree", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const book = new Bookkeeper();
      for (const what of steps) await book.take(what);
      await book.finish();
    }),
    { numRuns: 150 },
  );
});
