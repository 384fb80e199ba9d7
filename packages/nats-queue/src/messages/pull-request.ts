import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { runDetached } from "@ringrift/envelope";
import type { Connection } from "../connection/connection.ts";
import { isDenied, isNotFound, toQueueError, unreachable } from "../server/nats-errors.ts";

/** Which consumer of which stream. */
export interface ConsumerAddress {
  readonly stream: string;
  readonly consumer: string;
}

/** What a pull gave, and why it gave no more. */
export interface Pulled {
  readonly messages: Msg[];
  /** The connection on which they came. */
  readonly link: number;
  /**
   * `full`: all that was asked for. `empty`: no more is there. `limited`: more would have been too much at once.
   * `gone`: there is no such consumer any more. `broken`: the connection was lost on the way, and with it what
   * the server had sent.
   */
  readonly end: "full" | "empty" | "limited" | "gone" | "broken";
}

/** The server answers at once; when nothing comes for so long, it is asked whether the consumer exists. */
const SILENCE_MS = 2_000;
/** So often the server says that a request still waits: a leader that is gone, or new, has forgotten it. */
const HEARTBEAT_MS = 1_000;
/** A server cuts off who can't take in what it sends: by default those that are 64 MB behind. */
const MOST_BYTES = 4 * 2 ** 20;
const NANOS = 1_000_000;
const CONFLICT = 409;
const NO_RESPONDERS = 503;

/**
 * Takes up to `batch` messages that are there now.
 *
 * @throws QueueError (rejects) `SERVER_UNREACHABLE` when the server doesn't answer; what it sent comes again.
 * `ACCESS_DENIED` when the account may not pull
 */
export async function pullNow(
  connection: Connection,
  address: ConsumerAddress,
  batch: number,
): Promise<Pulled> {
  const max_bytes = Math.max(MOST_BYTES, connection.maxMessageBytes * 2);
  const wanted = { batch, no_wait: true, max_bytes } as const;
  const request = new PullRequest(connection, address, wanted, SILENCE_MS);
  const { messages, link } = request;
  try {
    const end = await connection.whileConnected(() => request.ended);
    if (end === "denied") throw toQueueError(request.denial, "reading events");
    if (end !== "silent" && end !== "cancelled") return { messages, end, link };
    if (!(await consumerExists(connection, address))) return { messages, end: "gone", link };
  } catch (error) {
    request.abandon();
    if (messages.length === 0) throw toQueueError(error, "reading events");
  }
  if (messages.length === 0) throw unreachable("reading events");
  // What has come is leased, and given to whoever asked; the next pull says what is wrong.
  return { messages, end: "broken", link };
}

/** Asks for one message, whenever it comes within `expiresMs`. */
export function pullNext(
  connection: Connection,
  address: ConsumerAddress,
  expiresMs: number,
): PullRequest {
  const expires = Math.max(1, Math.ceil(expiresMs)) * NANOS;
  // The server wants to live through two of them.
  if (expiresMs < 2 * HEARTBEAT_MS) {
    return new PullRequest(connection, address, { batch: 1, expires }, expiresMs + SILENCE_MS);
  }
  const wanted = { batch: 1, expires, idle_heartbeat: HEARTBEAT_MS * NANOS };
  return new PullRequest(connection, address, wanted, HEARTBEAT_MS + SILENCE_MS);
}

/** Whether the consumer is there; rejects when nobody knows. */
export async function consumerExists(
  connection: Connection,
  { stream, consumer }: ConsumerAddress,
): Promise<boolean> {
  try {
    await connection.whileConnected(() => connection.jsm.consumers.info(stream, consumer));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/**
 * As in {@link Pulled}; `empty` also when the time is up. `silent`: nothing comes, for whatever reason. `denied`: the
 * account may not ask.
 */
type PullEnd = "full" | "empty" | "limited" | "gone" | "silent" | "denied" | "cancelled";

/** One request to a pull consumer, on an inbox of its own: who cancels it leaves nothing behind on the server. */
export class PullRequest {
  readonly messages: Msg[] = [];
  /** The connection that it is made on. */
  readonly link: number;
  readonly ended: Promise<PullEnd>;
  /** What the server said when it was denied. */
  denial: Error | undefined;
  /** There is none without a connection. */
  readonly #subscription: Subscription | undefined;
  readonly #batch: number;
  readonly #end: (end: PullEnd) => void;
  readonly #timer: NodeJS.Timeout;
  #draining: Promise<void> | undefined;
  /** What the server said at the end of it, and how many messages it has sent. */
  #last: { readonly end: PullEnd; readonly count: number } | undefined;

  constructor(
    connection: Connection,
    { stream, consumer }: ConsumerAddress,
    request: {
      readonly batch: number;
      readonly no_wait?: true;
      readonly max_bytes?: number;
      readonly expires?: number;
      readonly idle_heartbeat?: number;
    },
    silenceMs: number,
  ) {
    const { promise, resolve } = Promise.withResolvers<PullEnd>();
    this.ended = promise;
    this.link = connection.link;
    this.#batch = request.batch;
    this.#end = (end) => {
      clearTimeout(this.#timer);
      resolve(end);
      if (end !== "cancelled") this.#subscription?.unsubscribe();
    };
    this.#timer = setTimeout(() => this.#end("silent"), silenceMs).unref();
    if (!connection.connected) {
      this.#end("silent");
      return;
    }
    const inbox = createInbox(connection.inboxPrefix);
    const subject = connection.api(`CONSUMER.MSG.NEXT.${stream}.${consumer}`);
    const subscription = runDetached(() =>
      connection.nats.subscribe(inbox, {
        callback: (error, message) => this.#take(error, message),
      }),
    );
    // By this the client finds whom to tell that the server refused a request.
    this.#subscription = Object.assign(subscription, { requestSubject: subject });
    // It ends with its connection.
    void subscription.closed.then(() => {
      if (this.#draining === undefined) this.#end("silent");
    });
    connection.nats.publish(subject, JSON.stringify(request), { reply: inbox });
  }

  /** Withdraws the request. What the server had sent by then is in `messages` when it resolves. */
  async cancel(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#subscription?.isClosed() === false) {
      this.#draining ??= this.#subscription.drain().catch(() => {});
      await this.#draining;
    }
    this.#end("cancelled");
  }

  /** Forgets the request, where the server can't be told. */
  abandon(): void {
    this.#end("cancelled");
    this.#subscription?.unsubscribe();
  }

  #take(error: Error | null, message: Msg): void {
    if (error !== null) {
      if (isDenied(error)) this.denial = error;
      this.#end(this.denial === undefined ? "silent" : "denied");
      return;
    }
    const status = message.data.length === 0 ? (message.headers?.code ?? 0) : 0;
    if (status === 0) {
      this.messages.push(message);
      if (this.messages.length >= this.#batch) this.#end("full");
      else if (this.#last !== undefined) this.#endWhenAllHere(this.#last);
      else if (this.#draining === undefined) this.#timer.refresh();
      return;
    }
    const why = status === CONFLICT ? (message.headers?.description ?? "") : "";
    if (/consumer deleted/i.test(why)) this.#end("gone");
    else if (status === NO_RESPONDERS) this.#end("silent");
    else if (status >= 400) {
      const unsent = message.headers?.get("Nats-Pending-Messages") ?? "";
      this.#endWhenAllHere({
        end: /maxbytes/i.test(why) ? "limited" : "empty",
        count: unsent === "" ? 0 : this.#batch - Number(unsent),
      });
    } else if (this.#draining === undefined) this.#timer.refresh();
  }

  /**
   * A consumer with several copies sends a message when most of them know of it, and what it says of the request at once: so
   * the end may come before the messages.
   */
  #endWhenAllHere(last: { readonly end: PullEnd; readonly count: number }): void {
    this.#last = last;
    if (this.messages.length >= last.count) this.#end(last.end);
  }
}
