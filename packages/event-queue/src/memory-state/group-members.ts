import { isToBeSeen, presenceMs } from "../groups/wanted-types.ts";

/** A member of a group, as it is known while it is there. */
export interface PresentMember {
  /** `undefined`: whatever the group wants. */
  readonly accepts: readonly string[] | undefined;
  /** It is there until it leaves. */
  readonly stays: boolean;
}

/** Who is there, of one group. Each is told apart by itself. */
export class GroupMembers {
  readonly #until = new Map<PresentMember, number>();

  /** Those that are there. The others are forgotten: they come back as new ones, whatever becomes of the clock. */
  live(now: number): readonly PresentMember[] {
    for (const [member, until] of this.#until) {
      if (!member.stays && until <= now) this.#until.delete(member);
    }
    return [...this.#until.keys()];
  }

  seen(member: PresentMember, now: number, leaseMs: number): void {
    const until = this.#until.get(member);
    if (until !== undefined && !isToBeSeen(until, now, leaseMs)) return;
    this.#until.set(member, now + presenceMs(leaseMs));
  }

  has(member: PresentMember): boolean {
    return this.#until.has(member);
  }

  leave(member: PresentMember): void {
    this.#until.delete(member);
  }
}
