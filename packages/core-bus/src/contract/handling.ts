/** The handling of one event, that a queue may deliver again, by the handlers of a bus. */
export interface Handling {
  /** Runs one handler as a part of it; gives what the handler gives, a thenable as a promise. */
  run(handler: () => unknown): unknown;
}
