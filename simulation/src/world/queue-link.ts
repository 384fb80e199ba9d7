import { QueueError } from "@ringrift/event-queue";
import type { Interception } from "@ringrift/event-queue/backend";
import { Lane } from "../time/lane.ts";
import type { Owner } from "../time/owner.ts";
import type { World } from "./world.ts";

/** What a process's instance of a queue is given. */
export interface QueueLinkParts {
  readonly owner: Owner;
  readonly world: World;
  /** Whether every call is refused now. */
  readonly isOut: () => boolean;
  readonly onFault: (kind: "refused" | "lost") => void;
}

/**
 * The way between a process and a queue. Calls arrive in the order in which they were made; answers and rings arrive in
 * any order, or never.
 */
export class QueueLink implements Interception {
  readonly #parts: QueueLinkParts;
  readonly #calls = new Lane();
  /** The world, on behalf of this process. */
  readonly #server: Owner;
  /** Calls on their way. */
  readonly #underWay = new Set<() => void>();
  #isRinging = false;

  constructor(parts: QueueLinkParts) {
    this.#parts = parts;
    this.#server = parts.world.ownerFor(parts.owner);
  }

  call<T>(run: () => Promise<T>): Promise<T> {
    const { owner, world, onFault, isOut } = this.#parts;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (!owner.isAlive) return promise;
    const answer = (give: () => void): void => {
      world.scheduler.add({ owner, afterMs: world.latency(), run: give });
    };
    const fault = isOut() ? "refused" : world.fault();
    const make = (): void => {
      if (fault !== undefined) onFault(fault);
      if (fault === "refused") {
        answer(() => reject(unreachable("was not made")));
        return;
      }
      this.#server.run(run).then(
        (value) =>
          answer(() => {
            if (fault === "lost") reject(unreachable("was made, and its answer was lost"));
            else resolve(value);
          }),
        (error: unknown) => answer(() => reject(error)),
      );
    };
    this.#underWay.add(make);
    // Not before the one ahead of it.
    const afterMs = Math.max(world.latency(), this.#calls.lastDue - world.scheduler.now);
    world.scheduler.add({
      owner,
      afterMs,
      lane: this.#calls,
      run: () => {
        this.#underWay.delete(make);
        make();
      },
    });
    return promise;
  }

  ring(deliver: () => void): void {
    const { owner, world } = this.#parts;
    // One that is on its way tells of this as well.
    if (this.#isRinging || !owner.isAlive) return;
    this.#isRinging = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    world.scheduler.add({ owner, afterMs: world.latency(), run: resolve });
    void owner.run(() =>
      promise.then(() => {
        this.#isRinging = false;
        deliver();
      }),
    );
  }

  /** Its process is dead: of the calls on their way the first ones may still arrive. */
  cut(): void {
    for (const make of this.#underWay) {
      if (this.#parts.world.random.chance(50)) return;
      make();
    }
  }
}

function unreachable(what: string): QueueError {
  return new QueueError("SERVER_UNREACHABLE", `The call ${what}. Try again.`);
}
