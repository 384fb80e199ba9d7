import {
  createCoordinator,
  createQueueBridge,
  type EventCoordinator,
  type QueueBridge,
} from "@ringrift/coordinator";
import { MemoryEventQueue } from "@ringrift/event-queue";
import { BackedQueue } from "@ringrift/event-queue/backend";
import type { ProcessFact } from "../ledger.ts";
import type { NodePlan } from "../scenario/scenario.ts";
import { catalogue } from "../scenario/topics.ts";
import type { Owner } from "../time/owner.ts";
import { handle, seen } from "./handling.ts";
import { codeOf } from "./publishing.ts";
import { QueueLink } from "./queue-link.ts";
import type { World } from "./world.ts";

type Coordinator = EventCoordinator<typeof catalogue>;

/** The node of a process. */
export interface Host {
  readonly plan: NodePlan;
  readonly outageUntil: number;
}

/** What a process is started with. */
export interface ProcessParts {
  readonly world: World;
  readonly node: Host;
  /** Which process of the node, from 1. */
  readonly life: number;
  readonly version: 1 | 2;
}

/** One process of a node, from its start to its end. */
export class Process {
  readonly world: World;
  readonly owner: Owner;
  readonly bus: Coordinator["bus"];
  /** Handlers and publishes under way. */
  open = 0;
  /** Those of them that a coordinator knows of. */
  coordinated = 0;
  state: "starting" | "running" | "stopping" | "stopped" = "stopped";
  readonly #parts: ProcessParts;
  readonly #links: QueueLink[] = [];
  readonly #queues: MemoryEventQueue[] = [];
  readonly coordinator: Coordinator;
  /** To other queues. */
  readonly #bridges: readonly QueueBridge[];

  /** Makes everything; call it as a part of `owner`. */
  constructor(parts: ProcessParts, owner: Owner) {
    this.world = parts.world;
    this.owner = owner;
    this.#parts = parts;
    this.coordinator = this.#makeCoordinator();
    this.bus = this.coordinator.bus;
    this.#bridges = this.#makeBridges();
    this.#subscribe();
    this.#handle();
  }

  /** Events that wait for a queue. */
  get spooled(): number {
    return this.coordinator.stats().spooled;
  }

  /** Whether at most one subscriber of its bus has to do with a topic. */
  hasOneHandler(of: string): boolean {
    const { name } = this.#parts.node.plan;
    const { subscribers } = this.world.scenario;
    return subscribers.filter(({ node, topic }) => node === name && topic === of).length <= 1;
  }

  /** What distinguishes the children of its subscribers from those of others. */
  get scope(): string {
    const { life } = this.#parts;
    const node = this.#parts.node.plan;
    return node.isNamed ? node.name : `${node.name}#${life}`;
  }

  write(fact: ProcessFact): void {
    const { life } = this.#parts;
    const node = this.#parts.node.plan;
    if (!this.owner.isAlive) return;
    this.world.ledger.write({ at: this.world.scheduler.now, node: node.name, life }, fact);
  }

  /** Whether it started. */
  async start(): Promise<boolean> {
    this.state = "starting";
    this.write({ what: "starting" });
    try {
      await this.coordinator.start();
      for (const bridge of this.#bridges) await bridge.start();
    } catch (error) {
      this.state = "stopped";
      this.write({ what: "start-failed", code: codeOf(error) });
      return false;
    }
    this.state = "running";
    this.write({ what: "started", newest: this.#newest(), version: this.#parts.version });
    return true;
  }

  async stop(limitMs: number | undefined): Promise<void> {
    await this.#end("stop", limitMs);
    this.state = "stopped";
  }

  /** Stops, and closes everything. */
  async close(limitMs: number | undefined): Promise<void> {
    await this.#end("close", limitMs);
    this.state = "stopped";
  }

  /** Ends at once, as by `kill -9`. */
  crash(): void {
    this.write({ what: "crash" });
    this.owner.kill();
    for (const link of this.#links) link.cut();
    this.#cutOff();
  }

  /** Frees what the queues hold of it. */
  #cutOff(): void {
    for (const queue of this.#queues) {
      void this.world.owner.run(() => BackedQueue.instanceOf(queue)?.cutOff());
    }
  }

  async #end(how: "stop" | "close", limitMs: number | undefined): Promise<void> {
    this.state = "stopping";
    this.write({ what: "stopping", how, limitMs });
    const limit = limitMs === undefined ? {} : { timeoutMs: limitMs };
    let left = 0;
    let isDrained = true;
    for (const part of [this.coordinator, ...this.#bridges]) {
      const ended = part[how](limit);
      if (how === "close") this.#tryStart(part);
      const result = await ended;
      left += result.left;
      isDrained &&= result.drained;
    }
    const open = this.coordinated;
    if (how === "close") {
      for (const queue of this.#queues) await queue.close();
    }
    const timers = how === "close" ? this.owner.held.size : 0;
    this.write({ what: "stopped", how, drained: isDrained, left, open, timers });
    if (how === "close") this.owner.kill();
  }

  /** Nobody can start what is being closed. */
  #tryStart(part: Coordinator | QueueBridge): void {
    void part.start().then(
      () => this.write({ what: "started-late" }),
      () => {},
    );
  }

  #newest(): number[] {
    return this.world.logs.map((log) => log.newest);
  }

  #makeCoordinator(): Coordinator {
    const { name, isNamed, queue } = this.#parts.node.plan;
    return createCoordinator({
      catalogue,
      queue: this.#openQueue(queue),
      ...(isNamed && { node: name }),
      onError: (error) => this.#warn(codeOf(error), String(error)),
    });
  }

  #makeBridges(): QueueBridge[] {
    const { queue, bridge } = this.#parts.node.plan;
    return (bridge?.to ?? []).map((other) =>
      createQueueBridge({
        name: bridge?.name ?? "",
        from: this.#openQueue(queue),
        to: this.#openQueue(other),
        both: true,
        onError: (error) => this.#warn(codeOf(error), String(error)),
      }),
    );
  }

  #openQueue(queue: number): MemoryEventQueue {
    const { world, owner } = this;
    const opened = new MemoryEventQueue({ log: world.logOf(queue) });
    const onFault = (kind: "refused" | "lost"): void => this.write({ what: "fault", kind });
    const isOut = (): boolean =>
      world.isFaulty && world.scheduler.now < this.#parts.node.outageUntil;
    const link = new QueueLink({ owner, world, onFault, isOut });
    BackedQueue.instanceOf(opened)?.intercept(link);
    this.#links.push(link);
    this.#queues.push(opened);
    return opened;
  }

  #subscribe(): void {
    const node = this.#parts.node.plan;
    const { bus } = this;
    const record = { priority: 1_000_000, name: "recorder" };
    bus.subscribe("**", (event) => this.write({ what: "got", ...seen(this, event) }), record);
    for (const { name, node: of, topic, actions } of this.world.scenario.subscribers) {
      if (of !== node.name) continue;
      const handling = { handler: name, group: undefined, attempt: 0, key: undefined, actions };
      const { queue } = node;
      const scope = `${this.scope}:${name}`;
      bus.subscribe(topic, (event) => handle(this, event, { ...handling, queue, scope }), { name });
    }
  }

  #handle(): void {
    const { version } = this.#parts;
    const node = this.#parts.node.plan;
    for (const plan of this.world.scenario.work) {
      if (!plan.nodes.includes(node.name)) continue;
      const { group, queue, concurrency, leaseMs, attempts } = plan;
      const isLater = version === 2;
      const topics = (isLater ? plan.laterTopics : undefined) ?? plan.topics;
      const maxAttempts = (isLater ? plan.laterMaxAttempts : undefined) ?? plan.maxAttempts;
      const backoff = { initialMs: 40, maxMs: 400 };
      const options = {
        group,
        concurrency,
        leaseMs,
        maxAttempts,
        backoff,
        from: "beginning" as const,
      };
      this.coordinator.handle(topics, options, (event) => {
        const { attempt, key } = event;
        const actions = attempts[Math.min(attempt, attempts.length) - 1] ?? [];
        const handling = { handler: group, group, queue, attempt, key, actions, scope: group };
        return handle(this, event, handling);
      });
    }
  }

  #warn(code: string, message: string): void {
    this.write({ what: "warning", code, message: this.world.ledger.text(message) });
  }
}
