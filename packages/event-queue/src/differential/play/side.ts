import type { StartFrom } from "@ringrift/envelope";
import type { OpenOptions, QueueFixture } from "../../conformance/harness/suite.ts";
import type { ConsumerGroup, EventQueue, QueueStats } from "../../contract/event-queue.ts";
import type { DeadLetter } from "../../contract/dead-letters.ts";
import type { LeasedEvent, StoredEvent } from "../../contract/events.ts";
import type { GroupClaim, GroupInfo, GroupPolicy } from "../../contract/groups.ts";
import { LogView } from "./log-view.ts";
import {
  type GroupName,
  INSTANCES,
  LOG_OPTIONS,
  type Script,
  type Start,
} from "../script/script.ts";
import type { ScriptClock } from "../clocks/script-clock.ts";
import type { StreamTap } from "./stream-tap.ts";

const OPEN: OpenOptions = LOG_OPTIONS;
const PATIENCE_MS = 5_000;
/** Instances that no command chooses. */
const OBSERVER = INSTANCES;
const HELPER = INSTANCES + 1;
const FAR_BEYOND = 1_000;
const TYPED = ["A", "B"];

/** A lease as a script can choose it. */
export interface HeldLease {
  readonly event: LeasedEvent;
  readonly group: GroupName;
  /** When it was leased. */
  readonly at: number;
}

/** A claim as a script can choose it. */
export interface HeldClaim {
  readonly claim: GroupClaim;
  /** For how long, unless it is renewed. */
  readonly ttlMs: number;
}

/** All that can be seen of a queue from outside. */
export interface Observation {
  readonly log: readonly StoredEvent[];
  readonly groups: readonly GroupInfo[];
  readonly letters: readonly DeadLetter[];
  readonly stats: QueueStats;
}

/** What the instances have counted. */
export interface Counts {
  /** Of those that are open, by number. */
  readonly instances: readonly (QueueStats | undefined)[];
  /** By all of them, those that are closed included. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** One of the two queues that a script is played on: its instances, and what they were given. */
export class Side {
  readonly log: LogView = new LogView();
  readonly clock: ScriptClock;
  /** The newest last, settled ones included. */
  readonly leases: HeldLease[] = [];
  readonly claims: HeldClaim[] = [];
  readonly streams: Map<number, StreamTap> = new Map();
  /** Instances that have had a stream since they were opened. */
  readonly hasStreamed: Set<number> = new Set();
  readonly #fixture: QueueFixture;
  readonly #policies: NonNullable<Script["groups"]>;
  readonly #instances: (EventQueue | undefined)[] = [];
  readonly #handles = new Map<string, ConsumerGroup>();
  #seen: Observation | undefined;
  /** What instances have dropped that are closed. */
  readonly #dropped = new Map<string, number>();

  constructor(fixture: QueueFixture, clock: ScriptClock, script: Script) {
    this.#fixture = fixture;
    this.clock = clock;
    this.#policies = script.groups ?? {};
  }

  /** An instance, opened when it is first asked for; it may be closed. */
  instance(by: number): EventQueue {
    const queue = this.#instances[by] ?? this.#fixture.open(OPEN);
    this.#instances[by] = queue;
    return queue;
  }

  /** The instance that nothing but looking is done with. */
  get observer(): EventQueue {
    return this.instance(OBSERVER);
  }

  /** A member keeps its handle, and with it what the handle remembers. */
  group(by: number, name: GroupName): ConsumerGroup {
    const key = `${by} ${name}`;
    const handle = this.#handles.get(key) ?? this.instance(by).group(name, this.policyOf(name));
    this.#handles.set(key, handle);
    return handle;
  }

  policyOf(name: GroupName): GroupPolicy {
    const { from, ...policy } = this.#policies[name] ?? {};
    // Two random pauses couldn't be compared.
    const backoff = { jitter: 0, ...policy.backoff };
    const eventTypes = name === "typed" ? TYPED : undefined;
    return { ...policy, backoff, eventTypes, from: this.startOf(from) };
  }

  startOf(start: Start | undefined): StartFrom | undefined {
    if (start === undefined || start === "beginning" || start === "now") return start;
    if (start === "end") return { position: (this.log.seen.at(-1)?.position ?? 0) + FAR_BEYOND };
    if ("moment" in start) return { time: this.clock.momentOf(start.moment) };
    return { position: this.positionOf(start.nth) };
  }

  positionOf(nth: number): number {
    return this.log.nth(nth)?.position ?? 0;
  }

  /** The nth of what there is, the newest first. */
  lease(nth: number): HeldLease | undefined {
    return this.leases.at(-1 - (nth % Math.max(this.leases.length, 1)));
  }

  claim(nth: number): HeldClaim | undefined {
    return this.claims.at(-1 - (nth % Math.max(this.claims.length, 1)));
  }

  async close(by: number): Promise<void> {
    const queue = this.#instances[by];
    if (queue === undefined) return;
    const stats = await queue.stats().catch(() => undefined);
    for (const [reason, count] of Object.entries(stats?.dropped ?? {})) {
      this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
    }
    await queue.close();
  }

  /** The next use opens it again. */
  async reopen(by: number): Promise<void> {
    await this.close(by);
    this.#instances[by] = undefined;
    this.streams.delete(by);
    this.hasStreamed.delete(by);
    for (const key of this.#handles.keys()) {
      if (key.startsWith(`${by} `)) this.#handles.delete(key);
    }
  }

  async restart(): Promise<void> {
    // All are closed before one is opened again.
    for (const by of this.#instances.keys()) await this.close(by);
    for (const by of this.#instances.keys()) await this.reopen(by);
  }

  /** @param isWhole - or only the log, by which events are named; then the rest is as it was seen last */
  async observe(isWhole = true): Promise<Observation> {
    const { observer } = this;
    if (!isWhole && this.#seen !== undefined) {
      const log = await observer.history();
      this.log.look(log);
      return { ...this.#seen, log };
    }
    // First, since it lets the backend sweep.
    const groups = await observer.groups.list();
    const [log, letters, stats] = await Promise.all([
      observer.history(),
      observer.deadLetters.list({ limit: 1_000 }),
      observer.stats(),
    ]);
    this.log.look(log);
    this.#seen = { log, groups, letters, stats };
    return this.#seen;
  }

  async count(): Promise<Counts> {
    const all = await Promise.all(
      this.#instances.map(async (queue) => queue?.stats().catch(() => undefined)),
    );
    const dropped = new Map(this.#dropped);
    for (const [reason, count] of all.flatMap((one) => Object.entries(one?.dropped ?? {}))) {
      dropped.set(reason, (dropped.get(reason) ?? 0) + count);
    }
    return {
      instances: all.slice(0, INSTANCES),
      dropped: Object.fromEntries([...dropped].filter(([, count]) => count > 0)),
    };
  }

  /** Waits until so many events are left that are delayed. Whoever opens the queue takes in those that are due. */
  async awaitDelayed(count: number): Promise<void> {
    await this.reopen(HELPER);
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      const { delayed } = await this.instance(HELPER).stats();
      if (delayed === count) break;
      await new Promise((resolve) => setTimeout(resolve, this.clock.isReal ? 50 : 1));
    }
    await this.close(HELPER);
  }

  async end(): Promise<void> {
    await Promise.all(this.#instances.map(async (queue) => queue?.close()));
    await this.#fixture.dispose();
  }
}
