import { hostname } from "node:os";
import { isProcessGone, machineName } from "@ringrift/event-queue/backend";
import type { WriteTransaction } from "./write-transaction.ts";
import type { Connection } from "./connection.ts";
import { SQL } from "./schema.ts";

interface ClaimRow {
  readonly groupName: string;
  readonly holder: string;
  readonly machine: string;
  readonly pid: number;
  readonly expires: number;
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

  /** Takes or prolongs a claim; `false` while somebody else holds it. */
  take(tx: WriteTransaction, group: string, holder: string, ttlMs: number): boolean {
    const current = this.#find(group);
    if (current !== undefined && current.holder !== holder && isHeld(current, tx.now)) return false;
    this.#connection.run(SQL.putClaim, group, holder, machine(), process.pid, tx.now + ttlMs);
    return true;
  }

  /** Gives a claim up, if this holder has it. */
  release(group: string, holder: string): void {
    this.#connection.run(SQL.deleteClaim, group, holder);
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
