import type { Subscription } from "@nats-io/transport-node";
import { runDetached } from "@ringrift/envelope";
import type { Bell } from "@ringrift/event-queue/backend";
import { Admission } from "./admission.ts";
import { Connection } from "./connection.ts";
import { DeadLetterStore } from "./dead-letter-store.ts";
import { DelayedEvents } from "./delayed-events.ts";
import { EventLog } from "./event-log.ts";
import { GroupEngine } from "./group-engine.ts";
import { GroupStore } from "./group-store.ts";
import { Names } from "./names.ts";
import type { CheckedOptions } from "./options.ts";
import { Publisher } from "./publisher.ts";
import { ServerClock } from "./server-clock.ts";
import { setUpStreams } from "./set-up.ts";
import { SkipCount } from "./skip-count.ts";
import { Skipper } from "./skipping.ts";
import { StateStore } from "./state-store.ts";
import { Sweeper } from "./sweeper.ts";
import { Tail } from "./tail.ts";

/** What an engine tells its instance. */
export interface EngineListener {
  /** Rings when there may be new events. */
  readonly bell: Bell;
  /** Rings when a group has changed. */
  readonly groupBell: Bell;
  readonly use: <T>(work: () => Promise<T>) => Promise<T>;
  onDropped(reason: string, count: number): void;
  onCorrupt(position: number): void;
  onError(error: unknown): void;
}

/** An open queue: a connection, and all that works on it. */
export class Engine {
  readonly connection: Connection;
  readonly names: Names;
  readonly clock: ServerClock = new ServerClock();
  readonly state: StateStore;
  readonly log: EventLog;
  readonly delayed: DelayedEvents;
  readonly admission: Admission;
  readonly publisher: Publisher;
  readonly groups: GroupStore;
  readonly letters: DeadLetterStore;
  readonly group: GroupEngine;
  readonly skipper: Skipper;
  readonly tail: Tail;
  readonly sweeper: Sweeper;
  readonly #listener: EngineListener;
  #notices: Subscription | undefined;

  private constructor(connection: Connection, options: CheckedOptions, listener: EngineListener) {
    const names = new Names(options.stream);
    const { clock } = this;
    this.connection = connection;
    this.names = names;
    this.#listener = listener;
    this.state = new StateStore(connection, names);
    this.log = new EventLog(connection, names, (position) => listener.onCorrupt(position));
    const { state, log } = this;
    this.delayed = new DelayedEvents({ connection, names, state, log, clock });
    this.admission = new Admission({
      connection,
      names,
      state,
      log,
      clock,
      delayed: this.delayed,
      use: (work) => listener.use(work),
      report: (error) => listener.onError(error),
    });
    this.publisher = new Publisher({ connection, names, log, clock, delayed: this.delayed });
    this.groups = new GroupStore({ connection, names, state, log, clock });
    this.letters = new DeadLetterStore(connection, names, this.groups);
    this.group = new GroupEngine({
      connection,
      names,
      clock,
      state,
      groups: this.groups,
      letters: this.letters,
      skips: new SkipCount(state, names, (count, report) => {
        listener.onDropped("skipped", count);
        listener.onError(report);
      }),
      use: (work) => listener.use(work),
      report: (error) => listener.onError(error),
    });
    this.skipper = new Skipper(this.group);
    this.tail = new Tail(connection, names.stream, listener.bell);
    const { groups, letters, group, delayed, skipper } = this;
    this.sweeper = new Sweeper(
      { connection, names, clock, state, groups, letters, group, delayed, skipper },
      options,
      listener,
    );
  }

  static async open(options: CheckedOptions, listener: EngineListener): Promise<Engine> {
    let engine: Engine | undefined;
    const connection = await Connection.open(options, {
      onReconnect: () => engine?.onReconnect(),
    });
    try {
      const opened = new Engine(connection, options, listener);
      await setUpStreams(connection, opened.names, options);
      await opened.setClock();
      opened.#hear();
      opened.sweeper.start();
      opened.admission.start();
      engine = opened;
      return opened;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Asks the server for its time: it is what a message has that was stored just now. */
  async setClock(): Promise<void> {
    const before = performance.now();
    const subject = this.names.clock;
    await this.state.put(subject, "");
    const after = performance.now();
    const entry = await this.state.get(subject);
    if (entry !== undefined) this.clock.set(entry.time, before, after);
  }

  onReconnect(): void {
    this.tail.renew();
    this.admission.look();
    this.#listener.bell.ring();
    this.#listener.groupBell.ring();
    this.#listener.use(() => this.setClock()).catch(() => {});
  }

  async close(): Promise<void> {
    this.sweeper.stop();
    await this.admission.stop();
    this.tail.close();
    this.#notices?.unsubscribe();
    if (this.connection.connected) await this.log.close();
    await this.connection.close();
  }

  #hear(): void {
    this.#notices = runDetached(() =>
      this.connection.nats.subscribe(this.names.notice, {
        callback: (_, message) => {
          this.groups.heard(message.string());
          this.#listener.groupBell.ring();
        },
      }),
    );
  }
}
