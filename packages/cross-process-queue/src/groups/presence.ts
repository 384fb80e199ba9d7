import { runDetached } from "@ringrift/envelope";
import type { Committer } from "../commit/committer.ts";
import type { GroupStore } from "./group-store.ts";
import { isWorthTryingAgain } from "../commit/background-errors.ts";
import type { Joining, StatingMember } from "./joining.ts";

/** A third of the shortest time for which a member counts as there. */
const EVERY_MS = 10_000;
/** Nobody waits for it, and the next time is soon enough. */
const PATIENCE_MS = 1_000;

/** What a presence works with. */
export interface PresenceParts {
  readonly committer: Committer;
  readonly groups: GroupStore;
  readonly joining: Joining;
}

/**
 * Says of all members of this process that stay, every ten seconds and in one transaction, that they are there; also
 * while they ask for nothing, as their handlers run. It is lost with a power cut, as they are. Never keeps the process
 * alive.
 */
export class Presence {
  readonly #parts: PresenceParts;
  readonly #stayers = new Set<StatingMember>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  add(stayer: StatingMember): void {
    this.#stayers.add(stayer);
    this.#timer ??= runDetached(() => setInterval(() => void this.#say(), EVERY_MS).unref());
  }

  delete(stayer: StatingMember): void {
    this.#stayers.delete(stayer);
    if (this.#stayers.size === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #say(): Promise<void> {
    const { committer, groups, joining } = this.#parts;
    try {
      await committer.submit(
        (tx) => {
          for (const stayer of this.#stayers) {
            const group = groups.byId(stayer.groupId);
            // Its next claim will tell it.
            if (group === undefined) continue;
            joining.seen(tx, stayer, group);
            joining.notice(tx, group.id);
          }
        },
        { durable: false, patienceMs: PATIENCE_MS },
      );
    } catch (error) {
      if (!isWorthTryingAgain(error, "Saying which members are there")) this.stop();
    }
  }
}
