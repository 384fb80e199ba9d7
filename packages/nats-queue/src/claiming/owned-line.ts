import type { Group } from "../groups/group.ts";
import type { RawMessage } from "../messages/raw-message.ts";
import {
  isGivenAnew,
  isSpecial,
  type KeyLine,
  type KnownLine,
  type LineHead,
} from "../groups/key-line.ts";
import type { KeyLines } from "../groups/key-lines.ts";

/** What became of a change: somebody else may have changed the line first, in a way that leaves it ours or doesn't. */
export type Change = "written" | "outdated" | "lost";

/** The line of a key whose turn this member has, as it was known or written last. */
export class OwnedLine {
  readonly #lines: KeyLines;
  readonly #group: Group;
  readonly #bucket: string;
  #known: KnownLine;
  #isRecalled: boolean;

  /** `isRecalled`: what is known of it may be old. */
  constructor(
    lines: KeyLines,
    from: {
      readonly group: Group;
      readonly bucket: string;
      readonly known: KnownLine;
      readonly isRecalled?: boolean | undefined;
    },
  ) {
    this.#lines = lines;
    this.#group = from.group;
    this.#bucket = from.bucket;
    this.#known = from.known;
    this.#isRecalled = from.isRecalled ?? false;
  }

  get known(): KnownLine {
    return this.#known;
  }

  /** Reads it again: whether it is still this member's. */
  async confirm(token: Pick<RawMessage, "position" | "delivery" | "time">): Promise<boolean> {
    const now = await this.#lines.read(this.#group, this.#bucket);
    const { line, revision } = this.#known;
    const isSame = now.revision === revision && JSON.stringify(now.line) === JSON.stringify(line);
    if (!isSame && !this.#isStillMine(now, token)) return false;
    this.#known = now;
    this.#isRecalled = false;
    return true;
  }

  /** Writes a change if the line is as known; else it is known anew, unless it was lost. */
  async change(
    token: Pick<RawMessage, "position" | "delivery" | "time">,
    change: (line: KeyLine) => KeyLine,
  ): Promise<Change> {
    const { line } = this.#known;
    const written = await this.#lines.swap(this.#group, this.#bucket, this.#known, change(line));
    const now = written ?? (await this.#lines.read(this.#group, this.#bucket));
    if (written === undefined && !this.#isStillMine(now, token)) return "lost";
    this.#known = now;
    this.#isRecalled = false;
    return written === undefined ? "outdated" : "written";
  }

  /**
   * Whether nothing has changed but what others may change: more is absorbed, a redriven event has its turn, or the line was
   * forgotten. How far the key is, only its owner changes: a server that was killed may have given it to somebody else too.
   */
  #isStillMine(
    { line, revision }: KnownLine,
    token: Pick<RawMessage, "position" | "delivery" | "time">,
  ): boolean {
    const { line: before } = this.#known;
    if (revision === 0) return !isSpecial(before);
    if (this.#isRecalled) {
      const { position, delivery } = token;
      const isTaken = line.head?.position === position && line.head.delivery >= delivery;
      const isAhead = line.settled < position || isGivenAnew(line, token);
      return !isTaken && line.token === undefined && isAhead;
    }
    return (
      line.settled === before.settled &&
      line.token === before.token &&
      (JSON.stringify(line.head) === JSON.stringify(before.head) || isLapse(line.head, token))
    );
  }
}

/** Whether all that was noted is that an earlier lease on it is over. */
function isLapse(head: LineHead | undefined, { delivery }: Pick<RawMessage, "delivery">): boolean {
  if (head?.until === undefined || head.reply !== undefined) return false;
  return head.delivery < delivery && head.notBefore === undefined;
}
