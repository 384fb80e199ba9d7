import { type BackendHost, reportQueueError } from "@ringrift/event-queue/backend";
import { Admission } from "../log/delayed-admission.ts";
import { Appender } from "../log/appender.ts";
import { Reserve } from "../commit/reserve.ts";
import { BatchStore } from "../groups/batch-store.ts";
import { Checkpoints } from "../commit/checkpoints.ts";
import { Claimer } from "../leasing/claimer.ts";
import { Claims } from "../groups/name-claims.ts";
import { Committer } from "../commit/committer.ts";
import type { Connection } from "../database/connection.ts";
import { DeadLetterStore } from "../groups/dead-letter-store.ts";
import { DelayedEvents } from "../log/delayed-events.ts";
import { DeliveryStore } from "../leasing/delivery-store.ts";
import { Doorbell } from "./doorbell.ts";
import { GroupStore } from "../groups/group-store.ts";
import { Joining } from "../groups/joining.ts";
import { LeaseStore } from "../leasing/lease-store.ts";
import { EventLog } from "../log/event-log.ts";
import { MemberStore } from "../groups/member-store.ts";
import { openConnection } from "../database/open-connection.ts";
import type { CheckedQueueOptions } from "./options.ts";
import { Presence } from "../groups/presence.ts";
import { Sweeper } from "../upkeep/sweeper.ts";
import { SafetyNet } from "./safety-net.ts";
import { Skipper } from "../upkeep/skipper.ts";
import { TypeEnder } from "../upkeep/type-ender.ts";
import { TypeIndex } from "../log/type-index.ts";
import { WriteAheadLog } from "../commit/write-ahead-log.ts";

/** An open queue: the parts that work on one connection. */
export class Engine {
  readonly connection: Connection;
  readonly writeAheadLog: WriteAheadLog;
  readonly reserve: Reserve;
  readonly committer: Committer;
  readonly log: EventLog;
  readonly appender: Appender;
  readonly delayed: DelayedEvents;
  readonly claims: Claims;
  readonly groups: GroupStore;
  readonly joining: Joining;
  readonly presence: Presence;
  readonly deadLetters: DeadLetterStore;
  readonly claimer: Claimer;
  readonly leases: LeaseStore;
  readonly safetyNet: SafetyNet;
  readonly doorbell: Doorbell;
  readonly sweeper: Sweeper;
  readonly admission: Admission;

  static async open(options: CheckedQueueOptions, host: BackendHost): Promise<Engine> {
    return new Engine(await openConnection(options.location), options, host);
  }

  private constructor(connection: Connection, options: CheckedQueueOptions, host: BackendHost) {
    const { survives, retention: limits, dedupeWindowMs } = options;
    this.connection = connection;
    const onChange = (): void => {
      host.bell.ring();
      this.admission.lookAgain();
    };
    // Who only reads would wait for ever by an index that nobody else uses.
    this.safetyNet = new SafetyNet(connection, onChange, () => this.writeAheadLog.requireWhole());
    this.doorbell = new Doorbell(connection.path, host.bell, this.safetyNet);
    const isSynced = survives === "power-loss";
    this.writeAheadLog = new WriteAheadLog(connection.path, isSynced, (failure) =>
      // Who waits for events would wait in vain.
      host.bell.close(failure),
    );
    this.reserve = new Reserve(connection.path, () => connection.unusedBytes);
    const committer = new Committer({
      connection,
      writeAheadLog: this.writeAheadLog,
      survives,
      write: (tx) => {
        this.appender.write(tx);
        this.leases.write(tx);
      },
      ring: () => this.doorbell.ring(),
      onBuried: host.onDeadLetter,
      checkpoints: new Checkpoints(connection, this.writeAheadLog, this.reserve),
      reserve: this.reserve,
    });
    this.committer = committer;
    const types = new TypeIndex(connection);
    const log = new EventLog(connection, types, host.onCorrupt);
    this.log = log;
    const delayed = new DelayedEvents(connection);
    this.delayed = delayed;
    const onDelayed = (dueAt: number): void => this.admission.expect(dueAt);
    const appender = new Appender({ connection, log, types, delayed, dedupeWindowMs, onDelayed });
    this.appender = appender;
    this.claims = new Claims(connection);
    const batches = new BatchStore(connection);
    const members = new MemberStore(connection);
    this.groups = new GroupStore(connection, { log, claims: this.claims, batches, members });
    this.deadLetters = new DeadLetterStore(connection, { batches, groups: this.groups, log });
    const deliveries = new DeliveryStore(connection, log, this.deadLetters);
    const { groups } = this;
    const joining = new Joining({ groups, members, log });
    this.joining = joining;
    this.presence = new Presence({ committer, groups, joining });
    this.claimer = new Claimer(connection, { groups, log, deliveries, batches });
    this.leases = new LeaseStore(connection, { groups, deliveries, batches });
    const { onDropped } = host;
    const skipper = new Skipper({ connection, log, groups, deliveries, batches });
    const typeEnder = new TypeEnder({ connection, log, groups, joining, deliveries, batches });
    this.sweeper = new Sweeper({
      connection,
      committer,
      types,
      groups,
      skipper,
      typeEnder,
      limits,
      onDropped,
      onLoss: (error) => reportQueueError(error, "Retention"),
    });
    this.admission = new Admission({ connection, committer, delayed, appender });
  }

  /** Ends what runs by itself, lets what was submitted commit, and closes what was opened here. */
  async close(): Promise<void> {
    this.safetyNet.close();
    this.presence.stop();
    await this.sweeper.stop();
    await this.admission.stop();
    await this.committer.flush();
    this.doorbell.close();
    // Before the database: it deletes the log when it is the last to close.
    this.writeAheadLog.close();
    this.connection.close();
  }
}
