import type { GroupPolicy } from "../../contract/groups.ts";

/** `typed` reads "A" and "B" only. */
export const GROUP_NAMES = ["one", "two", "typed"] as const;
export type GroupName = (typeof GROUP_NAMES)[number];
export type TypeName = "A" | "B" | "C";

/** A place in the log, the same in every backend though positions may differ: the nth event of the log, counted from 0. */
export interface Nth {
  readonly nth: number;
}

/** Where a reader starts. `moment` picks one of the readings of the clock so far; `end` is a position beyond the log. */
export type Start = "beginning" | "now" | "end" | Nth | { readonly moment: number };

/** An event that exists already, as a bridge brings it: a copy of one of this log, or one of another log. */
export type Bridged =
  | { readonly copyOf: number; readonly other?: "type" | "payload" | undefined }
  | { readonly foreign: number };

/** What a command sends. */
export interface Sent {
  readonly type: TypeName;
  readonly payload: unknown;
  readonly key?: string | undefined;
  readonly dedupeKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly delayMs?: number | undefined;
  readonly source?: string | undefined;
  readonly lineage?: Bridged | undefined;
}

/** Which dead letters; `nth` picks the event, moments are readings of the clock. */
export interface LetterChoice {
  readonly nth?: number | undefined;
  readonly group?: GroupName | undefined;
  readonly type?: TypeName | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly limit?: number | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Why an event is given back. */
export type Reason = "none" | "text" | "error" | "permanent";

/**
 * One thing that an instance is asked to do. Numbers choose among what there is: `lease` and `claim` among those
 * that were given so far, the newest first; a number that is too high begins again.
 */
export type Command =
  | { readonly do: "send"; readonly by: number; readonly event: Sent }
  /** `badAt`: one of them can't be stored. */
  | {
      readonly do: "sendMany";
      readonly by: number;
      readonly events: readonly Sent[];
      readonly badAt?: number | undefined;
    }
  /** Several calls of `send` in one turn of the event loop. */
  | { readonly do: "sendAtOnce"; readonly by: number; readonly events: readonly Sent[] }
  /** `otherwise`: with a policy that isn't the group's. */
  | {
      readonly do: "ensure";
      readonly by: number;
      readonly group: GroupName;
      readonly otherwise?: true | undefined;
    }
  /** `plain`: by `queue.receive({ group })`, which leaves the policy out; `aborted`: with a signal that is aborted. */
  | {
      readonly do: "lease";
      readonly by: number;
      readonly group: GroupName;
      readonly limit?: number | undefined;
      readonly leaseMs?: number | undefined;
      readonly plain?: true | undefined;
      readonly aborted?: true | undefined;
    }
  | { readonly do: "ack"; readonly lease: number }
  | {
      readonly do: "nack";
      readonly lease: number;
      readonly delayMs?: number | undefined;
      readonly reason: Reason;
    }
  | { readonly do: "extend"; readonly lease: number; readonly ms: number }
  /** So many of the newest leases, in one turn of the event loop. */
  | { readonly do: "ackAtOnce"; readonly leases: number }
  | {
      readonly do: "read";
      readonly by: number;
      readonly eventTypes?: readonly TypeName[] | undefined;
      readonly from?: Start | undefined;
      readonly limit?: number | undefined;
    }
  | {
      readonly do: "history";
      readonly by: number;
      readonly eventTypes?: readonly TypeName[] | undefined;
      readonly since?: number | undefined;
      readonly until?: number | undefined;
      readonly after?: Nth | undefined;
      readonly limit?: number | undefined;
    }
  /** Ends the instance's stream and begins another one. */
  | {
      readonly do: "stream";
      readonly by: number;
      readonly eventTypes?: readonly TypeName[] | undefined;
      readonly from?: Start | undefined;
    }
  /** Takes all that the instance's stream has to give now. */
  | { readonly do: "pull"; readonly by: number }
  | { readonly do: "letters"; readonly by: number; readonly which: LetterChoice }
  | { readonly do: "redrive"; readonly by: number; readonly which: LetterChoice }
  | { readonly do: "discard"; readonly by: number; readonly which: LetterChoice }
  | {
      readonly do: "seek";
      readonly by: number;
      readonly group: GroupName;
      readonly from: Start;
    }
  | { readonly do: "remove"; readonly by: number; readonly group: GroupName }
  | {
      readonly do: "claim";
      readonly by: number;
      readonly group: GroupName;
      readonly holder: string;
      readonly ttlMs?: number | undefined;
    }
  | { readonly do: "renew"; readonly claim: number }
  | { readonly do: "release"; readonly claim: number }
  /** Afterwards the instance refuses everything, until it is opened again. */
  | { readonly do: "close"; readonly by: number }
  | { readonly do: "reopen"; readonly by: number }
  /** Closes all instances, and opens them again. */
  | { readonly do: "restart" }
  /** Time passes; less than none, when somebody sets the clock back. */
  | { readonly do: "pass"; readonly ms: number }
  /** Time passes until it is so long after the clock was read the last time but so many, if that is still to come. */
  | { readonly do: "passTo"; readonly back: number; readonly after: number };

/** A policy as a script has it, `from` included. */
export interface ScriptPolicy extends Omit<GroupPolicy, "from" | "eventTypes"> {
  readonly from?: Start | undefined;
}

/** What is played on both queues: the policies that groups are made with, and the commands. */
export interface Script {
  readonly groups?: Readonly<Partial<Record<GroupName, ScriptPolicy>>> | undefined;
  readonly commands: readonly Command[];
}

/** Instances that commands choose among by `by`. */
export const INSTANCES = 3;

/** What an instance is opened with. */
export const LOG_OPTIONS = { dedupeWindowMs: 600_000, retentionMs: 86_400_000 } as const;

/** A script as it is written in code: what a failure prints can be played again. */
export function showScript({ groups = {}, commands }: Script): string {
  const used = new Set(commands.flatMap((command) => ("group" in command ? command.group : [])));
  const policies = Object.entries(groups).filter(
    ([name, policy]) => used.has(name as GroupName) && Object.keys(policy).length > 0,
  );
  return [
    ...(policies.length === 0 ? [] : [`groups: ${show(Object.fromEntries(policies))},`]),
    "commands: [",
    ...commands.map((command) => `  ${show(command)},`),
    "],",
  ].join("\n");
}

/** A value as it is written in code, without what is left out. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: ${show(field)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}
