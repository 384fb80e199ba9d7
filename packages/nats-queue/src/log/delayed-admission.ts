import { runDetached } from "@ringrift/envelope";
import { QueueError } from "@ringrift/event-queue";
import { AdmissionLease } from "./delayed-admission-lease.ts";
import type { Connection, Listening } from "../connection/connection.ts";
import type { Cursor } from "../messages/cursor.ts";
import type { DelayedEvents, Waiting, WaitingEvent } from "./delayed-events.ts";
import type { EventLog } from "./event-log.ts";
import { admittedHeaders, HEADER } from "../messages/event-message.ts";
import type { Names } from "../server/names.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StateStore } from "../messages/state-store.ts";

/** Longest pause of the instance that takes events in: so often it renews its right, and reads what others delayed. */
const LONGEST_PAUSE_MS = 500;
/** After a failure. */
const RETRY_MS = 1_000;
/** Events that are taken in at once. */
const PORTION = 100;
const READ_PAGE = 500;
/** How long one try waits for the server's answer. */
const TRY_MS = 2_000;

/** What admission works with. */
export interface AdmissionParts {
  readonly connection: Connection;
  readonly names: Names;
  readonly state: StateStore;
  readonly log: EventLog;
  readonly clock: ServerClock;
  readonly delayed: DelayedEvents;
  /** Counts work as a call of the instance: it is refused when that is closed, and a close waits for it. */
  readonly use: <T>(work: () => Promise<T>) => Promise<T>;
  readonly report: (error: unknown) => void;
}

/**
 * Takes delayed events into the log when their time has come. One of the instances that are open does it for all,
 * and another one when that has ended. An event may be stored and still wait when its instance is killed between the
 * two: within the log's window its message id keeps it once; what fell due longer ago is looked for by its id first.
 * Never keeps the process alive; does nothing while nothing waits.
 */
export class Admission {
  readonly #parts: AdmissionParts;
  readonly #lease: AdmissionLease;
  #notices: Listening | undefined;
  #loop: Promise<void> | undefined;
  #wake: () => void = () => {};
  /** When the loop looks next, on the monotone clock. */
  #looksAt = 0;
  /** When to look that it was told of while it was at work. */
  #toldOf = Number.POSITIVE_INFINITY;
  #stopped = false;
  /** This instance may not do it, or not for every type: another one has to. */
  #isDenied = false;
  /** What this instance has read, while the right is its own. */
  #cursor: Cursor | undefined;
  #waiting: Waiting[] = [];
  /** Where the events are that the log has since the first overdue one fell due. */
  #stored: ReadonlyMap<string, number> | undefined;
  #lastReported = "";

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#lease = new AdmissionLease(parts.state, parts.names, parts.clock);
  }

  /** Hears of what others delay, and looks for what waits already. */
  start(): void {
    const { connection, names } = this.#parts;
    this.#notices = connection.hear(names.delays, (message) =>
      this.#expect(Number(message.string())),
    );
    this.look();
  }

  /** Looks for what waits: notices may have been missed. */
  look(): void {
    this.#isDenied = false;
    this.#expect(Number.NEGATIVE_INFINITY);
  }

  /** An event of this instance falls due then: tells the others too. */
  announce(dueAt: number): void {
    const { connection, names } = this.#parts;
    connection.nats.publish(names.delays, String(dueAt));
    this.#expect(dueAt);
  }

  /** Resolves when it does nothing any more; another instance may go on at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#notices?.unsubscribe();
    this.#wake();
    await this.#loop;
    const { connection, names } = this.#parts;
    if (!connection.connected) return;
    await this.#cursor?.close();
    const released = await this.#lease.release().catch(() => false);
    if (released) connection.nats.publish(names.delays, "0");
  }

  #expect(dueAt: number): void {
    if (this.#stopped || this.#isDenied) return;
    if (this.#loop === undefined) {
      this.#loop = runDetached(() => this.#run());
      return;
    }
    const looksAt = performance.now() + (dueAt - this.#parts.clock.now());
    this.#toldOf = Math.min(this.#toldOf, looksAt);
    if (looksAt < this.#looksAt) this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#toldOf = Number.POSITIVE_INFINITY;
      const pause = await this.#turn();
      const isTold = this.#toldOf < Number.POSITIVE_INFINITY;
      if (pause === undefined && !isTold) break;
      const toldMs = this.#toldOf - performance.now();
      if (!this.#stopped) await this.#sleep(Math.min(pause ?? 0, toldMs));
    }
    this.#loop = undefined;
  }

  /** Resolves to how long to wait for the next turn; to `undefined` when nothing waits. Never rejects. */
  async #turn(): Promise<number | undefined> {
    try {
      return await this.#parts.use(() => this.#work());
    } catch (error) {
      this.#stored = undefined;
      const code = error instanceof QueueError ? error.code : undefined;
      if (code === "QUEUE_CLOSED") return undefined;
      if (code === "ACCESS_DENIED") {
        this.#isDenied = true;
        await this.#lease.release().catch(() => false);
        return undefined;
      }
      // Whoever calls is told of a server that is away; and a full log takes in what waits when there is room.
      if (code !== "SERVER_UNREACHABLE" && code !== "QUEUE_FULL") this.#report(error);
      return RETRY_MS;
    }
  }

  async #work(): Promise<number | undefined> {
    const { delayed, clock } = this.#parts;
    if (!this.#lease.isHeld) {
      await this.#forget();
      if (!(await delayed.any())) return undefined;
    }
    const left = await this.#lease.take();
    if (left > 0) return left;
    await this.#read();
    const now = clock.earliest();
    const due = this.#waiting.slice(0, PORTION).filter(({ dueAt }) => dueAt <= now);
    await this.#admit(due);
    this.#waiting.splice(0, due.length);
    const [next] = this.#waiting;
    if (next !== undefined) {
      return Math.min(Math.max(next.dueAt - clock.earliest(), 0), LONGEST_PAUSE_MS);
    }
    // Nothing is left: who delays the next one says so.
    await this.#lease.release();
    return 0;
  }

  async #read(): Promise<void> {
    this.#cursor ??= this.#parts.delayed.cursor();
    const before = this.#waiting.length;
    for (;;) {
      const page = await this.#cursor.next(READ_PAGE);
      for (const { headers, position } of page) {
        this.#waiting.push({ revision: position, dueAt: Number(headers?.get(HEADER.dueAt)) });
      }
      if (page.length < READ_PAGE) break;
    }
    if (this.#waiting.length === before) return;
    this.#waiting.sort((a, b) => a.dueAt - b.dueAt || a.revision - b.revision);
  }

  /** Stores them in the order in which they fell due. */
  async #admit(due: readonly Waiting[]): Promise<void> {
    const [first] = due;
    if (first === undefined) return;
    const { delayed, log, state, clock } = this.#parts;
    const windowMs = await log.windowMs();
    const isOverdue = ({ dueAt }: Waiting): boolean => dueAt < clock.now() - windowMs / 2;
    if (isOverdue(first) && this.#stored === undefined) {
      this.#stored = await log.positionsSince(first.dueAt);
    }
    const found = await Promise.all(due.map((waiting) => delayed.read(waiting)));
    // Whoever was stopped for so long that another one may be at it leaves it alone.
    if (!this.#lease.isHeld) return;
    const results = await Promise.allSettled(
      found.map(async (waiting, index) => {
        if (waiting === undefined) return;
        if (waiting instanceof QueueError) {
          this.#parts.report(waiting);
          await state.remove(due[index]?.revision ?? 0);
          return;
        }
        const stored = isOverdue(waiting) ? this.#stored?.get(waiting.event.lineage.id) : undefined;
        await delayed.settle(waiting, stored ?? (await this.#store(waiting)));
      }),
    );
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #store({ event, headers, messageId, dueAt }: WaitingEvent): Promise<number> {
    const { connection, names, clock } = this.#parts;
    const subject = names.event(event.type, event.key);
    const own = admittedHeaders(headers, Math.max(clock.now(), dueAt));
    const ack = await connection.persist("storing an event", () =>
      connection.js.publish(subject, event.body, {
        msgID: messageId,
        headers: own,
        timeout: TRY_MS,
      }),
    );
    return ack.seq;
  }

  async #forget(): Promise<void> {
    const cursor = this.#cursor;
    this.#cursor = undefined;
    this.#waiting = [];
    this.#stored = undefined;
    await cursor?.close();
  }

  /** Once, however often it is tried again. */
  #report(error: unknown): void {
    const text = String(error);
    if (text === this.#lastReported) return;
    this.#lastReported = text;
    this.#parts.report(error);
  }

  #sleep(ms: number): Promise<void> {
    this.#looksAt = performance.now() + ms;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(ms, 1)).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
