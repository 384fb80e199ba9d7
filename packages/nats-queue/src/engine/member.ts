import type { Msg } from "@nats-io/transport-node";
import { type EnsuredGroup, QueueError } from "@ringrift/event-queue";
import {
  type Bell,
  type ClaimedEvent,
  type GivenGroupPolicy,
  type GroupMember,
  groupRemoved,
  type MemberOptions,
  type MemberRequest,
  statedPolicy,
  type StoredGroupPolicy,
  type Taken,
} from "@ringrift/event-queue/backend";
import type { Delivered, Leasing } from "../leasing/delivered.ts";
import type { Engine } from "./engine.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import { groupInfo } from "../settling/group-info.ts";
import type { Group, Lane } from "../groups/group.ts";
import { pullNext, pullNow, type PullRequest } from "../messages/pull-request.ts";
import { rawMessage } from "../messages/raw-message.ts";

/** Longest wait before a member looks whether its group is still what it was. */
const LONGEST_WAIT_MS = 10_000;
/** How often a waiting member notes that its event loop runs: bounds how old a message can be that it finds. */
const LONGEST_TICK_MS = 1_000;
/** Most messages of one pull, where all that came before waits for its turn. */
const LARGEST_PULL = 500;

/** One who receives for a group: pulls, waits, and gives back what nobody takes. */
export class Member implements GroupMember {
  readonly #queue: Engine;
  readonly #engine: GroupEngine;
  readonly #name: string;
  readonly #given: GivenGroupPolicy;
  /** Of the group that it has joined. */
  #joined: string | undefined;
  readonly #bell: Bell;
  #group: Group | undefined;
  /** Incarnation and count of redrives whose events have all been settled. */
  #noneRedriven: string | undefined;
  /** The connection on which it was looked for what the group was given back. */
  #soughtOn: number | undefined;

  constructor(queue: Engine, { name, given }: MemberOptions) {
    this.#queue = queue;
    this.#engine = queue.group;
    this.#name = name;
    this.#given = given;
    this.#bell = queue.groupBell;
  }

  /** What holds for this member, once it has asked. */
  get policy(): StoredGroupPolicy | undefined {
    return this.#group?.policy;
  }

  async ensure({ requireFrom }: { readonly requireFrom: boolean }): Promise<EnsuredGroup> {
    await this.#queue.sweeper.expireGroups(this.#name);
    const { groups } = this.#engine;
    const { group, created } = await groups.ensure(this.#name, this.#given, requireFrom);
    // Once it is made anew on purpose, it is this one's group.
    if (this.#joined !== undefined) this.#joined = group.id;
    this.#engine.touch(group);
    return { ...(await groupInfo(this.#queue, group)), created };
  }

  /** Leases what is there; waits for a first event when there is nothing, and then is to be asked again at once. */
  async claim(request: MemberRequest): Promise<Taken<ClaimedEvent>> {
    const { limit, waitMs, signal } = request;
    const seen = this.#bell.version;
    const group = await this.#enter();
    this.#group = group;
    this.#engine.touch(group);
    if (group.policy.paused) {
      await this.#bell.wait(seen, { timeoutMs: Math.min(waitMs, LONGEST_WAIT_MS), signal });
      return { items: [], retryInMs: 0 };
    }
    await this.#seekRedriven(group);
    const leaseMs = request.leaseMs ?? group.policy.leaseMs;
    const began = performance.now();
    const items = await this.#takeNow(group, limit, leaseMs, signal);
    const left = waitMs - (performance.now() - began);
    if (items.length === 0 && left > 0 && !isAborted(signal)) {
      const longest = Math.min(left, LONGEST_WAIT_MS, group.policy.expireAfterMs / 4);
      items.push(...(await this.#waitForOne(group, { limit, longest, leaseMs, seen, signal })));
      // More may have come with the first one.
      if (items.length > 0 && items.length < limit && !isAborted(signal)) {
        items.push(...(await this.#takeNow(group, limit - items.length, leaseMs, signal)));
      }
    }
    // Where this process stood still meanwhile, they are somebody else's.
    return { items: items.filter(({ lease }) => (lease.leftMs?.() ?? 1) > 0), retryInMs: 0 };
  }

  /** There is nothing that is kept of members. */
  async leave(): Promise<void> {
    if (this.#group !== undefined) await this.#queue.claimers.of(this.#group).giveUp();
  }

  /** The group with what holds for this member: joined now, if it hasn't yet. */
  async #enter(): Promise<Group> {
    const { groups } = this.#engine;
    const stored =
      this.#joined === undefined
        ? (await groups.ensure(this.#name, this.#given)).group
        : await groups.recall(this.#name);
    if (stored === undefined) throw groupRemoved(this.#name);
    this.#joined ??= stored.id;
    if (stored.id !== this.#joined) throw groupRemoved(this.#name);
    const given = this.#given;
    return { ...stored, policy: statedPolicy(stored.policy, given), given };
  }

  /** What is there now. What was claimed is handed over before anything more is asked for. */
  async #takeNow(
    group: Group,
    limit: number,
    leaseMs: number,
    signal: AbortSignal | undefined,
  ): Promise<ClaimedEvent[]> {
    const claimed = this.#queue.claimers.of(group).spare.take({ group }, limit);
    if (claimed.length > 0) return claimed;
    for (const lane of this.#lanes(group)) {
      claimed.push(
        ...(await this.#takeFrom({ group, lane, leaseMs }, limit - claimed.length, signal)),
      );
      if (claimed.length >= limit) break;
    }
    return claimed;
  }

  async #takeFrom(
    from: Leasing & { readonly lane: Lane },
    limit: number,
    signal: AbortSignal | undefined,
  ): Promise<ClaimedEvent[]> {
    const { group, lane } = from;
    const { connection, groups } = this.#engine;
    const address = groups.incarnations.addressOf(group, lane);
    const claimer = this.#queue.claimers.of(group);
    for (let batch = limit; !isAborted(signal); batch = Math.min(batch * 2, LARGEST_PULL)) {
      if (lane === "log") {
        await claimer.keys.makeRoom(limit);
        const fronts = await claimer.takeFronts(from, limit);
        if (fronts.length > 0) return fronts;
      }
      const since = performance.now();
      const { messages, end, link } = await connection.persist("reading events", () =>
        pullNow(connection, address, batch),
      );
      if (end === "gone") await this.#restore(group, lane);
      const raw = messages.map((message) => rawMessage(message, link));
      const claimed = await this.#claim({ ...from, messages: raw, since }, limit);
      if (claimed.length > 0) return claimed;
      if (claimer.takeGone() > 0) {
        // It makes room for the next event of its key.
        await claimer.keys.quiet();
        continue;
      }
      if (end !== "full" && end !== "limited") {
        if (lane === "redriven" && messages.length === 0) await this.#noteNoneRedriven(group);
        return [];
      }
      // All of it waits for its turn, or was settled.
    }
    return [];
  }

  /** Where one is too old others may be: they are skipped many at a time. */
  async #claim(delivered: Delivered, limit: number): Promise<ClaimedEvent[]> {
    const { group, messages } = delivered;
    if (messages.length === 0) return [];
    const claimer = this.#queue.claimers.of(group);
    const claimed = await claimer.claim(delivered, limit);
    const skipped = claimer.takeSkipped();
    if (skipped > 0) {
      await this.#engine.skips.add(group, skipped);
      await this.#queue.skipper.skip(group);
    }
    return claimer.spare.split(delivered, claimed, limit);
  }

  /** Waits in the server, so that the next event, or a retry that falls due, comes at once. */
  async #waitForOne(
    group: Group,
    wait: {
      readonly limit: number;
      readonly longest: number;
      readonly leaseMs: number;
      readonly seen: number;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<ClaimedEvent[]> {
    const { groups, connection } = this.#engine;
    const { limit, leaseMs, longest, seen, signal } = wait;
    const claimer = this.#queue.claimers.of(group);
    const { keys } = claimer;
    const seenFronts = keys.bell.version;
    const fronts = await claimer.takeFronts({ group, leaseMs }, limit);
    if (fronts.length > 0) return fronts;
    const pulls = this.#lanes(group).map((lane) => ({
      lane,
      pull: pullNext(connection, groups.incarnations.addressOf(group, lane), longest),
    }));
    // A message may have waited for this process's event loop, which runs timers, then reads, then runs immediates. So a
    // message that isn't read when the immediate runs came after the timer, however long the process stood still between.
    let read = performance.now();
    const tick = setInterval(
      () => {
        const ticked = performance.now();
        setImmediate(() => (read = ticked));
      },
      Math.min(LONGEST_TICK_MS, Math.max(1, leaseMs / 8)),
    ).unref();
    const stop = new AbortController();
    const rung = this.#bell.wait(seen, { signal: anySignal(stop.signal, signal) });
    const turned = keys.bell.wait(seenFronts, { signal: stop.signal });
    let closed: QueueError | undefined;
    try {
      await Promise.race([rung, turned, ...pulls.map(({ pull }) => pull.ended)]);
    } catch (error) {
      // An aborted wait is its caller's business.
      if (error instanceof QueueError) closed = error;
    }
    const since = read;
    stop.abort();
    rung.catch(() => {});
    turned.catch(() => {});
    clearInterval(tick);
    if (pulls.some(({ pull }) => pull.messages.length === 0)) claimer.withdrawn.note();
    await Promise.all(pulls.map(({ pull }) => this.#withdraw(pull)));
    const claimed: ClaimedEvent[] = [];
    for (const { lane, pull } of pulls) {
      if ((await pull.ended) === "gone") await this.#restore(group, lane);
      const messages = pull.messages.map((message: Msg) => rawMessage(message, pull.link));
      const delivered = { group, lane, messages, leaseMs, since };
      claimed.push(...(await this.#claim(delivered, limit - claimed.length)));
    }
    if (claimed.length === 0)
      claimed.push(...(await claimer.takeFronts({ group, leaseMs }, limit)));
    if (closed === undefined) return claimed;
    await Promise.all(claimed.map(({ lease }) => lease.release()));
    throw closed;
  }

  /** Resolves when nothing more can come; what did come is in the request's messages. */
  async #withdraw(pull: PullRequest): Promise<void> {
    try {
      await this.#engine.connection.whileConnected(() => pull.cancel());
    } catch {
      // Without a connection there is nobody to withdraw it from, and nothing comes.
      pull.abandon();
    }
  }

  #lanes(group: Group): readonly Lane[] {
    const isRedriven = group.redrives > 0 && this.#noneRedriven !== redriveMark(group);
    return isRedriven ? ["redriven", "log"] : ["log"];
  }

  /** A server that was killed may have lost the note of what was redriven: so it is looked for once on each connection. */
  async #seekRedriven({ name, redrives }: Group): Promise<void> {
    const { connection, letters } = this.#engine;
    if (this.#soughtOn === connection.link) return;
    this.#soughtOn = connection.link;
    this.#noneRedriven = undefined;
    if (redrives === 0 && (await letters.gaveAnyBack(name))) await letters.noteRedrive(name);
  }

  async #noteNoneRedriven(group: Group): Promise<void> {
    const { stream, consumer } = this.#engine.groups.incarnations.addressOf(group, "redriven");
    const { connection } = this.#engine;
    const info = await connection.persist("reading events", () =>
      connection.jsm.consumers.info(stream, consumer),
    );
    // Some may be leased, or wait for their next attempt.
    if (info.num_pending + info.num_ack_pending > 0) return;
    this.#noneRedriven = redriveMark(group);
    await this.#engine.groups.endCare(group);
  }

  /** The consumer is gone: the group was moved or removed meanwhile, or somebody deleted it. */
  async #restore(group: Group, lane: Lane): Promise<void> {
    const { groups } = this.#engine;
    const now = await groups.find(this.#name);
    if (now?.incarnation === group.incarnation) await groups.incarnations.makeConsumer(now, lane);
  }
}

function redriveMark({ incarnation, redrives }: Group): string {
  return `${incarnation} ${redrives}`;
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function anySignal(own: AbortSignal, given: AbortSignal | undefined): AbortSignal {
  return given === undefined ? own : AbortSignal.any([own, given]);
}
