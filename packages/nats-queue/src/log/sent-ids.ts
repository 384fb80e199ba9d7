/** Ids that are remembered of one queue. */
const MOST = 10_000;
/** Queues of which ids are remembered, those that were used last. */
const MOST_QUEUES = 16;

/** Which event has an id, and where it is, as far as known. In the state it is a document. */
export interface Sent {
  readonly type: string;
  /** Of its payload; left out where it is only needed until the event is stored. */
  readonly digest?: string | undefined;
  readonly position?: number | undefined;
  /** It was delayed: where it is by now, only the state says. */
  readonly isDelayed?: true | undefined;
}

/** The ids that this process has sent to a queue: the last ones. */
export class SentIds {
  static readonly #queues = new Map<string, SentIds>();

  readonly #sent = new Map<string, Sent>();

  /** Those of all instances of a queue, by the id of the queue. */
  static of(queueId: string): SentIds {
    const queues = SentIds.#queues;
    const ids = queues.get(queueId) ?? new SentIds();
    queues.delete(queueId);
    queues.set(queueId, ids);
    const [oldest] = queues.keys();
    if (queues.size > MOST_QUEUES && oldest !== undefined) queues.delete(oldest);
    return ids;
  }

  get(id: string): Sent | undefined {
    return this.#sent.get(id);
  }

  set(id: string, sent: Sent): void {
    this.#sent.delete(id);
    this.#sent.set(id, sent);
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > MOST && oldest !== undefined) this.#sent.delete(oldest);
  }
}
