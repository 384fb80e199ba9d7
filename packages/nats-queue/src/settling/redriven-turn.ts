import type { GroupEngine } from "./group-engine.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import type { Group } from "../groups/group.ts";

/** How long members may not know yet that they have to look for redriven events of keys. */
const UNAWARE_MS = 2_500;
const LOOK_AGAIN_MS = 500;
/** So old may the note be by which members know; then it is made again. */
const NOTE_AGAIN_MS = 300_000;

/**
 * Whether a redriven event, by its sequence, still has the turn of its key. A server that was killed may have lost the note
 * that it gave it up.
 */
export function isTaken(
  { letters }: Pick<GroupEngine, "letters">,
  { name }: Group,
  turn: number,
): Promise<boolean> {
  return letters.isGivenBack(name, turn);
}

/**
 * Decides whether a redriven event of a key may be handled: while nothing of its key is under way, and then nothing else of it
 * may be. Members that handle events of keys look for that only when the group says so, and may learn of it two seconds later.
 */
export class RedrivenTurn {
  readonly #engine: GroupEngine;

  constructor(engine: GroupEngine) {
    this.#engine = engine;
  }

  /**
   * Takes the turn of a key; resolves to 0, or to how many ms later it should be tried again.
   *
   * @param sequence - of the redriven event among the dead letters
   */
  async take(group: Group, bucket: string, sequence: number): Promise<number> {
    const waitMs = await this.#noteCare(group);
    if (waitMs > 0) return waitMs;
    const { lines, order } = this.#engine;
    for (;;) {
      const known = await lines.read(group, bucket);
      const { line } = known;
      if (line.turn === sequence) return 0;
      if (line.turn !== undefined) {
        if (await isTaken(this.#engine, group, line.turn)) return LOOK_AGAIN_MS;
        await this.release(group, bucket, line.turn);
        continue;
      }
      if (line.token !== undefined) return LOOK_AGAIN_MS;
      const taken = await lines.swap(group, bucket, known, { ...line, turn: sequence });
      if (taken === undefined) continue;
      const [next, log] = await Promise.all([
        order.find(group, bucket, line.settled),
        consumerInfo(this.#engine, group, "log"),
      ]);
      const isFree = next === undefined || next.position > (log?.delivered.stream_seq ?? 0);
      if (isFree) return 0;
      await this.release(group, bucket, sequence);
      return LOOK_AGAIN_MS;
    }
  }

  async release(group: Group, bucket: string, sequence: number): Promise<void> {
    const { lines } = this.#engine;
    for (;;) {
      const known = await lines.read(group, bucket);
      if (known.line.turn !== sequence) return;
      const { turn: _, ...rest } = known.line;
      if ((await lines.swap(group, bucket, known, rest)) !== undefined) return;
    }
  }

  /** Has every member look; resolves to how long it takes until all surely do. */
  async #noteCare({ name }: Group): Promise<number> {
    const { groups, clock } = this.#engine;
    const group = await groups.find(name);
    if (group === undefined) return LOOK_AGAIN_MS;
    const now = clock.now();
    const { since = 0, notedAt = 0 } = group.care ?? {};
    if (notedAt > now - NOTE_AGAIN_MS) return Math.max(0, since + UNAWARE_MS - now);
    await groups.noteCare(name, now);
    return group.care === undefined ? UNAWARE_MS : 0;
  }
}
