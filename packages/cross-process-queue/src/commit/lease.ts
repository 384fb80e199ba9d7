/** The right to settle one delivery: whoever has a newer token has taken it over. */
export interface LeaseHandle {
  readonly group: string;
  readonly groupId: number;
  readonly position: number;
  readonly token: number;
  /** The events that were leased together with it, itself included, when they may still be in one batch. */
  readonly batchSize?: number;
}

/** One ack, as its transaction goes on: `held` is known when that commits. */
export interface Ack {
  readonly lease: LeaseHandle;
  /** `false`: somebody else has it now. */
  held: boolean;
}
