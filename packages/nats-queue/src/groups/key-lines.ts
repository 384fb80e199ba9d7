import { randomBytes } from "node:crypto";
import type { Group } from "./group.ts";
import type { Names } from "../server/names.ts";
import type { StateStore } from "../messages/state-store.ts";
import {
  decodeLine,
  encodeLine,
  isSpecial,
  type KeyLine,
  type KnownLine,
  newLine,
} from "./key-line.ts";

/** Lines that are remembered as they were written last by this process, or read. */
const MOST_REMEMBERED = 20_000;
/** A mark is made again when it is so old, and removed when it is older than the other. */
const MARK_AGAIN_MS = 5_000;
const MARK_KEPT_MS = 10_000;

/** A line in which something waits. */
export interface MarkedLine extends KnownLine {
  readonly bucket: string;
}

/** The lines of all groups: a small document for each key. */
export class KeyLines {
  readonly #state: StateStore;
  readonly #names: Names;
  readonly #writer = randomBytes(3).toString("hex");
  readonly #known = new Map<string, KnownLine>();
  /** When a line was marked last, on the monotone clock. */
  readonly #marked = new Map<string, number>();

  constructor(state: StateStore, names: Names) {
    this.#state = state;
    this.#names = names;
  }

  /** As it is now. */
  async read(group: Group, bucket: string): Promise<KnownLine> {
    const entry = await this.#state.get(this.#names.keyLine(group.incarnation, bucket));
    const known: KnownLine =
      entry === undefined
        ? { line: newLine(group.start), revision: 0, writtenAt: 0 }
        : { line: decodeLine(entry.text), revision: entry.revision, writtenAt: entry.time };
    return this.#remember(group, bucket, known);
  }

  /** As this process knew it last; as if there were none where it knows nothing. A change of it may be refused. */
  recall(group: Group, bucket: string): KnownLine {
    const known = this.#known.get(nameOf(group, bucket));
    return known ?? { line: newLine(group.start), revision: 0, writtenAt: 0 };
  }

  /** Resolves to the line as written, or to `undefined` when somebody else has changed it since it was known. */
  async swap(
    group: Group,
    bucket: string,
    { revision }: KnownLine,
    line: KeyLine,
  ): Promise<KnownLine | undefined> {
    if (isSpecial(line)) await this.#mark(group, bucket);
    const subject = this.#names.keyLine(group.incarnation, bucket);
    const written = await this.#state.swap(subject, encodeLine(line, this.#writer), revision);
    if (written === undefined) {
      this.#known.delete(nameOf(group, bucket));
      return undefined;
    }
    return this.#remember(group, bucket, { line, revision: written, writtenAt: 0 });
  }

  /** After a break of the connection: the server may have lost some of it. */
  clear(): void {
    this.#known.clear();
    this.#marked.clear();
  }

  /** The lines in which something waits. */
  async marked(group: Group, now: number): Promise<MarkedLine[]> {
    const filter = this.#names.keyMarks(group.incarnation);
    // Most groups have none, and a list costs the server a consumer.
    if ((await this.#state.oldest(filter)) === undefined) return [];
    const marks = await this.#state.list(filter);
    const found = await Promise.all(
      marks.map(async ({ subject, revision, time }) => {
        const bucket = subject.slice(subject.lastIndexOf(".") + 1);
        const known = await this.read(group, bucket);
        if (isSpecial(known.line)) return Object.assign({ bucket }, known);
        if (time < now - MARK_KEPT_MS) await this.#state.remove(revision);
        return undefined;
      }),
    );
    return found.filter((one) => one !== undefined);
  }

  /**
   * Forgets lines of which the log has nothing that old any more: the first event that it has of such a key is its
   * first one.
   */
  forget(group: Group, oldestPosition: number): Promise<void> {
    return this.#state.removeOldest(this.#names.keyLines(group.incarnation), ({ text }) => {
      const line = decodeLine(text);
      return line.settled < oldestPosition && !isSpecial(line) && line.turn === undefined;
    });
  }

  /** Before something waits in it, so that whoever counts finds it. */
  async #mark(group: Group, bucket: string): Promise<void> {
    const name = nameOf(group, bucket);
    const now = performance.now();
    if (now - (this.#marked.get(name) ?? Number.NEGATIVE_INFINITY) < MARK_AGAIN_MS) return;
    await this.#state.put(this.#names.keyMark(group.incarnation, bucket), "");
    if (this.#marked.size >= MOST_REMEMBERED) this.#marked.clear();
    this.#marked.set(name, now);
  }

  #remember(group: Group, bucket: string, known: KnownLine): KnownLine {
    const name = nameOf(group, bucket);
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size > MOST_REMEMBERED) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return known;
  }
}

function nameOf({ incarnation }: Group, bucket: string): string {
  return `${incarnation} ${bucket}`;
}
