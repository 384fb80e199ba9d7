import { hostname } from "node:os";
import { isProcessGone, machineName } from "@ringrift/event-queue/backend";
import type { Connection } from "../database/connection.ts";
import { SQL } from "../schema/statements.ts";

/** A member as it says that it is there. */
export interface MemberName {
  readonly groupId: number;
  /** Tells members apart, those of all processes. */
  readonly member: string;
}

/** A member that is there. */
export interface PresentMember {
  readonly member: string;
  /** What it has handlers for; `undefined` for whatever the group wants. */
  readonly accepts: readonly string[] | undefined;
}

interface MemberRow {
  readonly member: string;
  readonly types: string | null;
  readonly machine: string;
  readonly pid: number;
  readonly until: number;
}

/** Who is there of each group. Its calls are synchronous; who calls has the connection. */
export class MemberStore {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Says that a member is there. */
  put(
    { groupId, member }: MemberName,
    accepts: readonly string[] | undefined,
    until: number,
  ): void {
    const types = accepts === undefined ? null : JSON.stringify(accepts);
    this.#connection.run(SQL.putMember, groupId, member, types, machine(), process.pid, until);
  }

  delete({ groupId, member }: MemberName): void {
    this.#connection.run(SQL.deleteMember, groupId, member);
  }

  /** Forgets all of a group. */
  clear(groupId: number): void {
    this.#connection.run(SQL.deleteMembers, groupId);
  }

  /** Forgets those of a group that are gone. In a write transaction. */
  deleteGone(groupId: number, now: number): void {
    for (const row of this.#rows(groupId)) {
      if (!isThere(row, now)) this.delete({ groupId, member: row.member });
    }
  }

  /** Whether some of a group are gone, and not forgotten yet. */
  hasGone(groupId: number, now: number): boolean {
    return this.#rows(groupId).some((row) => !isThere(row, now));
  }

  /** Whether a member is there. */
  has({ groupId, member }: MemberName, now: number): boolean {
    return this.#rows(groupId).some((row) => row.member === member && isThere(row, now));
  }

  /** Those that are there. */
  live(groupId: number, now: number): PresentMember[] {
    return this.#rows(groupId)
      .filter((row) => isThere(row, now))
      .map(({ member, types }) => ({
        member,
        // The cast is safe: what put has written.
        accepts: types === null ? undefined : (JSON.parse(types) as string[]),
      }));
  }

  #rows(groupId: number): MemberRow[] {
    return this.#connection.all<MemberRow>(SQL.membersOf, groupId);
  }
}

/** A process of this machine that has ended is gone at once. */
function isThere({ until, machine: theirs, pid }: MemberRow, now: number): boolean {
  return until > now && !(theirs === machine() && isProcessGone(pid));
}

function machine(): string {
  return machineName() ?? hostname();
}
