import { ACK, GIVE_BACK, leaseFor } from "../messages/acknowledge.ts";
import { type Front, lineBehind } from "../leasing/front.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import type { GiveBack } from "../leasing/hold.ts";
import type { KeyLine, LineHead } from "../groups/key-line.ts";
import type { OwnedLine } from "./owned-line.ts";
import type { RawMessage } from "../messages/raw-message.ts";

/** What the front of a lane was, when the lease on it ended. */
export interface LateFrontParts {
  readonly engine: GroupEngine;
  readonly line: OwnedLine;
  /** It stands for the key in the consumer. */
  readonly token: RawMessage;
  readonly front: Front;
  readonly usualLeaseMs: number;
  readonly incarnation: string;
  /** Tells the server something of the token, and waits for its answer. */
  readonly say: (what: string) => Promise<boolean>;
}

/**
 * The first event of a key after the lease on it has run out: what its holder may still do, as long as nobody else was given
 * the message that stands for the key. Each change of the line decides about that: whoever is given it changes the line before
 * it begins. Nothing here is done twice at once: its lane sees to that.
 */
export class LateFront {
  readonly front: Front;
  readonly #parts: LateFrontParts;
  #until = 0;
  #isOver = false;

  constructor(parts: LateFrontParts) {
    this.#parts = parts;
    this.front = parts.front;
  }

  /** On the monotone clock; 0 unless it is held again. */
  get until(): number {
    return this.#until;
  }

  /**
   * Notes until when it was held, or will have been: so that whoever counts knows. `until` is by the server's clock. One that
   * nobody had asked for was no attempt.
   */
  async note(until: number, isUnbegun = false): Promise<void> {
    if (this.#isOver || this.#until > 0) return;
    const head = this.#head();
    const unbegun = isUnbegun && ({ attempts: head.attempts - 1, isBack: true } as const);
    await this.#change((line) => ({ ...line, head: { ...head, until, ...unbegun } }));
  }

  /** Holds it again for so long. */
  async revive(ms: number): Promise<boolean> {
    const { engine, usualLeaseMs, say } = this.#parts;
    const asked = performance.now();
    const until = engine.clock.now() + ms;
    const head = { ...this.#head(), until, notBefore: until };
    if (!(await this.#change((line) => ({ ...line, head })))) return false;
    // Where the server gives it to somebody all the same, they give it back.
    if (!(await say(leaseFor(ms, usualLeaseMs)))) return false;
    this.#until = asked + ms;
    return true;
  }

  async settle(): Promise<boolean> {
    const { engine, token, front, incarnation } = this.#parts;
    const behind = (line: KeyLine): KeyLine => ({
      ...lineBehind(front, line, { token }),
      isFree: true,
    });
    if (!(await this.#change(behind))) return false;
    const isHeldAgain = this.#until > 0;
    this.#end();
    engine.settled.add(incarnation, front.candidate.id);
    // Whoever is given the message that stands for the key goes on with what is behind it. Somebody may have it already: then
    // the server would give it to another one, too.
    if (this.#parts.line.known.line.token === undefined) engine.tell(token, ACK);
    else if (isHeldAgain) engine.tell(token, GIVE_BACK);
    return true;
  }

  /** The server isn't told: whoever has been given it waits for its time, or will be given it. */
  async giveBack({ attempts, failures, delayMs }: GiveBack): Promise<boolean> {
    const { engine, token } = this.#parts;
    const notBefore = delayMs > 0 ? { notBefore: engine.clock.now() + delayMs } : {};
    const head = { ...this.#head(), attempts, failures, reply: token.reply, ...notBefore };
    if (!(await this.#change((line) => ({ ...line, head })))) return false;
    this.#end();
    return true;
  }

  #head(): LineHead {
    const { token, front } = this.#parts;
    const { candidate, attempt, failures } = front;
    const { delivery } = token;
    return { position: candidate.place.position, delivery, attempts: attempt, failures };
  }

  #end(): void {
    this.#isOver = true;
    this.#until = 0;
  }

  /** `false` when the turn is somebody else's by now. */
  async #change(change: (line: KeyLine) => KeyLine): Promise<boolean> {
    const { line, token } = this.#parts;
    for (;;) {
      if (this.#isOver) return false;
      const result = await line.change(token, change);
      if (result === "written") return true;
      if (result === "lost") this.#end();
    }
  }
}
