import { setTimeout as sleep } from "node:timers/promises";
import { createCoordinator } from "@ringrift/coordinator";
import type { EventQueue } from "@ringrift/event-queue";
import { Journal } from "../journal.ts";
import { openPlace } from "../queue-place.ts";
import { catalogueOf } from "./catalogue.ts";
import { listen } from "./handlers.ts";
import type { MemberOptions, Order } from "./orders.ts";
import { type Coordinator, Publishing } from "./publishing.ts";
import type { Said } from "./said.ts";

const CLOSE_MS = 15_000;

/** A coordinator on the queue, in a process or in one of its threads, that does what it is told. */
export class Member {
  readonly journal: Journal<Said>;
  readonly #options: MemberOptions;
  readonly #queue: EventQueue;
  readonly #publishing: Publishing;
  readonly #own = new Set<string>();
  #events: Coordinator | undefined;
  #lives = 0;
  /** Orders are carried out one after another; a load goes on beside those that follow. */
  #turn: Promise<void> = Promise.resolve();

  private constructor(options: MemberOptions, queue: EventQueue) {
    this.#options = options;
    this.journal = new Journal<Said>(options.journals, options.by);
    this.#queue = queue;
    this.#publishing = new Publishing(this.journal);
  }

  static async open(options: MemberOptions): Promise<Member> {
    return new Member(options, await openPlace(options.place));
  }

  get #life(): string {
    return `${this.#options.by}#${this.#lives}`;
  }

  /** Makes a coordinator, and starts it. */
  begin(): Promise<void> {
    return this.#inTurn(() => this.#make());
  }

  obey(order: Order): Promise<void> {
    return this.#inTurn(async () => {
      if (order.do === "load") this.#load(order);
      else if (order.do === "restart") await this.#restart();
      else {
        await this.#down((events) => events.close({ timeoutMs: CLOSE_MS }));
        if (order.do === "renew") await this.#make();
        else await this.#queue.close();
      }
    });
  }

  async #restart(): Promise<void> {
    await this.#down((events) => events.stop({ timeoutMs: CLOSE_MS }));
    this.#lives += 1;
    if (this.#events) await this.#up(this.#events);
  }

  async #make(): Promise<void> {
    const { node, bugs, works, leaseMs } = this.#options;
    this.#lives += 1;
    const events = createCoordinator({
      catalogue: catalogueOf(bugs.includes("catalogueKeys")),
      queue: this.#queue,
      ...(node !== undefined && { node }),
      onError: (error) => {
        const { code = "NO_CODE", message } = error as { code?: string; message: string };
        this.journal.write({ kind: "complaint", code, message });
      },
      // Tasks that fail for good end there, as they should; without this each would be a warning.
      onDeadLetter: () => {},
    });
    this.#events = events;
    listen({
      events,
      journal: this.journal,
      publishing: this.#publishing,
      life: () => this.#life,
      owner: node ?? this.#life,
      works,
      leaseMs,
      own: this.#own,
    });
    await this.#publishEarly(events);
    await this.#up(events);
  }

  async #publishEarly(events: Coordinator): Promise<void> {
    const life = this.#life;
    for (const n of [1, 2]) {
      const payload = { name: `${life}/early${n}` };
      const publication = { how: "bus.publish", topic: "leaf.made", payload } as const;
      await this.#publishing.publish(events, life, publication);
    }
  }

  async #up(events: Coordinator): Promise<void> {
    const { node } = this.#options;
    const life = this.#life;
    for (;;) {
      try {
        await events.start();
        break;
      } catch (error) {
        const { code = "NO_CODE" } = error as { code?: string };
        this.journal.write({ kind: "refused", life, code });
        await sleep(100);
      }
    }
    this.journal.write({ kind: "up", life, ...(node !== undefined && { node }) });
  }

  async #down(
    stop: (events: Coordinator) => Promise<{ drained: boolean; left: number }>,
  ): Promise<void> {
    const life = this.#life;
    this.journal.write({ kind: "stopping", life });
    if (this.#events) this.journal.write({ kind: "down", life, ...(await stop(this.#events)) });
  }

  /** Tasks of one key one after another, all others at once. */
  #load({ given }: Order & { do: "load" }): void {
    const events = this.#events;
    if (!events) return;
    const life = this.#life;
    const chains = new Map<string, Promise<void>>();
    for (const { task, how } of given) {
      this.#own.add(task.name);
      const key = task.key ?? task.name;
      const publication = { how, topic: "task.given", payload: task } as const;
      const before = chains.get(key) ?? Promise.resolve();
      chains.set(
        key,
        before.then(async () => {
          // Whoever is stopping publishes nothing new.
          if (this.#life !== life || !events.running) return;
          await this.#publishing.publish(events, life, publication);
        }),
      );
    }
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(step);
    return this.#turn;
  }
}
