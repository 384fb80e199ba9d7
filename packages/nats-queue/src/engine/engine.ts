import { type BackendHost, Bell, closedError } from "@ringrift/event-queue/backend";
import { Admission } from "../log/delayed-admission.ts";
import { Claimers } from "../claiming/claimers.ts";
import { Connection, type Listening } from "../connection/connection.ts";
import { DeadLetterStore } from "../settling/dead-letter-store.ts";
import { DelayedEvents } from "../log/delayed-events.ts";
import { EventLog } from "../log/event-log.ts";
import { GroupEngine } from "../settling/group-engine.ts";
import { GroupStore } from "../groups/group-store.ts";
import { LogWatch } from "../upkeep/log-watch.ts";
import { Names } from "../server/names.ts";
import type { CheckedOptions } from "../server/options.ts";
import { Publisher } from "../sending/publisher.ts";
import { SendHealth } from "../sending/send-health.ts";
import { ServerClock } from "../connection/server-clock.ts";
import { setUpStreams } from "../connection/set-up.ts";
import { SkipCount } from "../groups/skip-count.ts";
import { Skipper } from "../upkeep/skipper.ts";
import { StoredIds } from "../log/stored-ids.ts";
import { StateStore } from "../messages/state-store.ts";
import { Sweeper } from "../upkeep/sweeper.ts";
import { Tail } from "../log/tail.ts";

/** How long a close waits for what its members give back. */
const GIVE_UP_MS = 1_000;

/** An open queue: a connection, and all that works on it. */
export class Engine {
  readonly connection: Connection;
  readonly names: Names;
  readonly clock: ServerClock = new ServerClock();
  readonly state: StateStore;
  readonly log: EventLog;
  readonly delayed: DelayedEvents;
  readonly ids: StoredIds;
  readonly admission: Admission;
  readonly publisher: Publisher;
  readonly sends: SendHealth;
  readonly groups: GroupStore;
  readonly letters: DeadLetterStore;
  readonly group: GroupEngine;
  readonly claimers: Claimers;
  readonly skipper: Skipper;
  readonly tail: Tail;
  readonly watch: LogWatch;
  readonly sweeper: Sweeper;
  /** Rings when a group has changed. */
  readonly groupBell: Bell = new Bell();
  readonly #host: BackendHost;
  #notices: Listening | undefined;

  private constructor(connection: Connection, options: CheckedOptions, host: BackendHost) {
    const names = new Names(options.stream);
    const { clock } = this;
    this.connection = connection;
    this.names = names;
    this.#host = host;
    const closeBell = (): void => this.groupBell.close(closedError());
    if (host.ending.aborted) closeBell();
    else host.ending.addEventListener("abort", closeBell, { once: true });
    this.state = new StateStore(connection, names);
    this.log = new EventLog(connection, names, host.onCorrupt);
    const { state, log } = this;
    this.ids = new StoredIds({ state, names, log });
    const { ids } = this;
    this.delayed = new DelayedEvents({ connection, names, state, log, ids, clock });
    this.admission = new Admission({
      connection,
      names,
      state,
      log,
      clock,
      delayed: this.delayed,
      use: host.inBackground,
      report: host.onError,
    });
    this.publisher = new Publisher({ connection, names, log, clock, delayed: this.delayed, ids });
    this.sends = new SendHealth(connection);
    const report = host.onError;
    this.groups = new GroupStore({ connection, names, state, log, clock, report });
    this.letters = new DeadLetterStore(connection, names, this.groups);
    this.group = new GroupEngine({
      connection,
      names,
      clock,
      state,
      groups: this.groups,
      letters: this.letters,
      skips: new SkipCount(state, names, (count, report) => {
        host.onDropped("skipped", count);
        host.onError(report);
      }),
      use: host.inBackground,
      report: host.onError,
      onDeadLetter: host.onDeadLetter,
      positionBefore: (time) => log.positionBefore(time),
    });
    this.claimers = new Claimers(this.group);
    this.skipper = new Skipper(this.group);
    this.watch = new LogWatch({
      connection,
      names,
      state,
      groups: this.groups,
      clock,
      positionBefore: (time) => log.positionBefore(time),
      report,
    });
    this.tail = new Tail(connection, names.stream, host.bell);
    const { groups, letters, group, delayed, skipper } = this;
    this.sweeper = new Sweeper(
      {
        connection,
        names,
        clock,
        state,
        groups,
        letters,
        group,
        delayed,
        ids,
        skipper,
        watch: this.watch,
      },
      options,
      host,
    );
  }

  static async open(options: CheckedOptions, host: BackendHost): Promise<Engine> {
    let engine: Engine | undefined;
    const connection = await Connection.open(options, {
      onReconnect: () => engine?.onReconnect(),
      ending: host.ending,
    });
    try {
      const opened = new Engine(connection, options, host);
      await setUpStreams(connection, opened.names, options);
      await opened.setClock();
      await opened.watch.check();
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
    this.sends.clear();
    this.tail.renew();
    this.group.lines.clear();
    this.admission.look();
    this.#host.bell.ring();
    this.groupBell.ring();
    this.#host
      .inBackground(async () => {
        await this.setClock();
        await this.watch.renew();
      })
      .catch(() => {});
  }

  async close(): Promise<void> {
    this.sweeper.stop();
    await this.admission.stop();
    await this.#leave();
    this.tail.close();
    this.#notices?.unsubscribe();
    if (this.connection.connected) await this.log.close();
    await this.connection.close();
  }

  /** Leaves what others need: at once what nobody here has asked for. Where that can't be said they find out. */
  async #leave(): Promise<void> {
    if (!this.connection.connected) return;
    const given = Promise.allSettled([
      this.watch.note(),
      ...[...this.group.holders].map((holder) => holder.giveUp()),
      this.claimers.noteHeld(),
    ]);
    await Promise.race([given, new Promise((resolve) => setTimeout(resolve, GIVE_UP_MS).unref())]);
  }

  #hear(): void {
    this.#notices = this.connection.hear(this.names.notice, (message) => {
      this.groups.heard(message.string());
      this.groupBell.ring();
    });
  }
}
