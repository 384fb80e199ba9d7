/** Something that is wrong with a bridge now. */
export interface BridgeProblem {
  readonly code:
    | "BRIDGE_BLOCKED"
    | "BRIDGE_ENDED"
    | "BRIDGE_REFUSED"
    | "BRIDGE_STOPPED"
    | "BRIDGE_UNKNOWN";
  readonly severity: "error" | "warning";
  /** In ms since the epoch, where it is known. */
  readonly since: number | undefined;
  /** The bridge's group that it concerns, or the name of the bridge. */
  readonly subject: string;
  readonly message: string;
  /** What to do. */
  readonly action: string;
}

/** Whether a bridge carries events now. */
export interface BridgeHealth {
  readonly ok: boolean;
  /** Empty when `ok`. */
  readonly problems: readonly BridgeProblem[];
}
