import type { EventQueue, SendOptions } from "@ringrift/event-queue";
import { expect } from "vitest";

/** What one handler saw of one event. */
interface Seen {
  readonly id: string;
  readonly attempt: number;
}

/** Keeps what was attempted, acknowledged and handled, and judges it at the end. */
export class HistoryChecker {
  readonly acknowledged = new Map<string, number>();
  /** Sends that failed: they may be stored or not. */
  failedSends = 0;
  readonly #handled: Seen[] = [];

  /** Sends until it is told to stop, `atOnce` sends under way. */
  async publish(
    queue: EventQueue,
    goesOn: () => boolean,
    { atOnce = 4, ...options }: SendOptions & { readonly atOnce?: number } = {},
  ): Promise<void> {
    let n = 0;
    const sender = async (): Promise<void> => {
      while (goesOn()) {
        n += 1;
        try {
          const { id, position } = await queue.send("ORDER_PLACED", { n }, options);
          this.acknowledged.set(id, position);
        } catch {
          this.failedSends += 1;
        }
        await sleep(2);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, sender));
  }

  handled(event: Seen): void {
    this.#handled.push({ id: event.id, attempt: event.attempt });
  }

  get handledIds(): Set<string> {
    return new Set(this.#handled.map(({ id }) => id));
  }

  /** Deliveries beyond the first of each event. */
  get repeated(): number {
    return this.#handled.length - this.handledIds.size;
  }

  hasHandledAll(): boolean {
    const handled = this.handledIds;
    return [...this.acknowledged.keys()].every((id) => handled.has(id));
  }

  /** Nothing acknowledged is lost, moved or doubled in the log, and nothing was handled that isn't in it. */
  async check(queue: EventQueue): Promise<void> {
    const log = await queue.history({ limit: 100_000 });
    const positions = new Map(log.map(({ id, position }) => [id, position]));
    expect(positions.size).toBe(log.length);
    const lost = [...this.acknowledged].filter(([id, position]) => positions.get(id) !== position);
    expect(lost).toEqual([]);
    expect([...this.handledIds].filter((id) => !positions.has(id))).toEqual([]);
    expect(log.length).toBeLessThanOrEqual(this.acknowledged.size + this.failedSends);
  }
}

/** Waits for a condition, for as long as a slow machine may need. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await sleep(20);
  }
}

/** Lets time pass. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
