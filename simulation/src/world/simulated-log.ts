import { MemoryLog } from "@ringrift/event-queue";
import { currentOwner, type Owner } from "../time/owner.ts";
import type { World } from "./world.ts";

type Group = ReturnType<MemoryLog["createGroup"]>;
type Outgoing = Parameters<MemoryLog["append"]>[0];
type Stored = ReturnType<MemoryLog["append"]>;

/** Longer than a long poll, after which a live node asks again. */
const UNSERVED_MS = 40_000;

/** A log in memory that writes down what it stores and what its groups settle. */
export class SimulatedLog extends MemoryLog {
  readonly #queue: number;
  readonly #world: World;
  /** Who made a group that goes with it. */
  readonly #makers = new Map<string, Owner | undefined>();

  constructor(queue: number, world: World) {
    super();
    this.#queue = queue;
    this.#world = world;
  }

  override append(outgoing: Outgoing): Stored {
    const stored = super.append(outgoing);
    for (const event of stored) {
      if (event.duplicate) continue;
      const { id, position, type, key, correlationId, causationId, payload } = event;
      const { ledger } = this.#world;
      this.#world.write({
        what: "stored",
        queue: this.#queue,
        position,
        id: ledger.alias(id),
        type,
        key,
        tag: (payload as { tag: string }).tag,
        causation: causationId && ledger.alias(causationId),
        correlation: ledger.alias(correlationId),
        by: currentOwner()?.behalf?.name ?? "",
      });
    }
    return stored;
  }

  override createGroup(...made: Parameters<MemoryLog["createGroup"]>): Group {
    const group = super.createGroup(...made);
    const maker = currentOwner()?.behalf;
    const isUnnamed = group.name.startsWith("node-");
    if (isUnnamed) this.#makers.set(group.name, maker);
    // The name of an unnamed node's group differs from process to process.
    this.#watch(group, isUnnamed ? (maker?.name ?? "") : this.#nameOf(group));
    return group;
  }

  /** That of a bridge ends with the id of the queue to which it carries. */
  #nameOf({ name }: Group): string {
    const target = this.#world.logs.findIndex(({ id }) => name.endsWith(`:${id}`));
    return target === -1 ? name : name.replace(/[^:]*$/, String(target));
  }

  /** Writes down what a group settles, buries and is done with. */
  #watch(group: Group, name: string): void {
    const ack = group.ack.bind(group);
    group.ack = (entry, now) => {
      const isDone = ack(entry, now);
      const id = this.#world.ledger.alias(entry.record.lineage.id);
      if (isDone) this.#world.write({ what: "settled", queue: this.#queue, group: name, id });
      return isDone;
    };
    const nack = group.nack.bind(group);
    group.nack = (...given) => this.#burying(name, () => nack(...given));
    const endTypes = group.endTypes.bind(group);
    group.endTypes = (now) => {
      const ended = endTypes(now);
      const { eventTypes: types } = ended;
      const fact = { what: "done-with", queue: this.#queue, group: name, types } as const;
      if (types.length > 0) this.#world.write(fact);
      return ended;
    };
    const claim = group.claim.bind(group);
    group.claim = (...given) => this.#burying(name, () => claim(...given));
  }

  #burying<T>(group: string, work: () => T): T {
    const before = new Set(this.deadLetters);
    const result = work();
    for (const letter of this.deadLetters) {
      if (before.has(letter)) continue;
      const id = this.#world.ledger.alias(letter.record.lineage.id);
      this.#world.write({
        what: "buried",
        queue: this.#queue,
        group,
        id,
        attempts: letter.attempts,
      });
    }
    return result;
  }

  /** Groups that have something to settle, but for those of unnamed nodes that left theirs behind: they expire. */
  pending(): string[] {
    const now = this.now();
    return Array.from(this.groups.values()).flatMap((group) => {
      const { name, lastServedAt } = group;
      const { pending } = group.counts(now);
      const maker = this.#makers.get(name);
      const isLeft = maker !== undefined && (!maker.isAlive || now - lastServedAt > UNSERVED_MS);
      return pending > 0 && !isLeft ? [`${maker?.name ?? name}: ${pending}`] : [];
    });
  }
}
