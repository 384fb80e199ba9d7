import { hostname } from "node:os";
import { isProcessGone, machineName, type NameHolder } from "@ringrift/event-queue/backend";
import type { WriteTransaction } from "../commit/write-transaction.ts";
import type { Connection } from "../database/connection.ts";
import { SQL } from "../schema/statements.ts";

interface ClaimRow {
  readonly groupName: string;
  readonly holder: string;
  readonly machine: string;
  readonly pid: number;
  readonly expires: number;
  /** What was left with a release, as JSON. */
  readonly note: string | null;
}

/** Who wants to hold a name, and for how long. */
export interface ClaimRequest {
  readonly holder: string;
  readonly ttlMs: number;
}

/** Who holds the name of a group. Its calls are synchronous; who calls has the connection. */
export class Claims {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Who holds the name now, if anybody. */
  holderOf(group: string, now: number): string | undefined {
    const claim = this.#find(group);
    return claim !== undefined && isHeld(claim, now) ? claim.holder : undefined;
  }

  /** Takes or prolongs a claim, unless somebody else holds it; whoever has it then. */
  take(tx: WriteTransaction, group: string, { holder, ttlMs }: ClaimRequest): NameHolder {
    const current = this.#find(group);
    const note = current?.note ?? undefined;
    if (current !== undefined && current.holder !== holder && isHeld(current, tx.now)) {
      return { holder: current.holder, note };
    }
    this.#connection.run(SQL.putClaim, group, holder, machine(), process.pid, tx.now + ttlMs);
    return { holder, note };
  }

  /** Gives a claim up, if this holder has it. Its row stays as long as there is a note in it. */
  release(group: string, holder: string, note: string | undefined): void {
    const current = this.#find(group);
    if (current?.holder !== holder) return;
    const kept = note ?? current.note;
    if (kept === null) this.#connection.run(SQL.deleteClaim, group);
    else this.#connection.run(SQL.endClaim, kept, group);
  }

  /** Forgets the note of a group that goes. */
  forget(group: string): void {
    this.#connection.run(SQL.forgetNote, group);
    this.#connection.run(SQL.deleteEndedClaim, group);
  }

  #find(group: string): ClaimRow | undefined {
    return this.#connection.get(SQL.claimOf, group);
  }
}

function isHeld(claim: ClaimRow, now: number): boolean {
  return claim.expires > now && !isDead(claim);
}

/** Only what is certain counts: a process of this machine, seen from here, that is no longer there. */
function isDead(claim: ClaimRow): boolean {
  return claim.machine === machine() && isProcessGone(claim.pid);
}

/** A file is on one machine; only containers have process ids of their own, and these have a name on Linux. */
function machine(): string {
  return machineName() ?? hostname();
}
