import { type ApiError, JetStreamApiError } from "@nats-io/jetstream";
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import { randomUUID } from "node:crypto";
import type { Connection } from "../connection/connection.ts";

/** After so many bytes the server is asked whether it has them, before it is sent more. */
const BYTES_AT_ONCE = 4 * 2 ** 20;
/** How long one try waits for each answer of the server. It forgets a batch that it hears nothing of for 10 s. */
const TRY_MS = 5_000;

const HEADER = {
  batch: "Nats-Batch-Id",
  sequence: "Nats-Batch-Sequence",
  commit: "Nats-Batch-Commit",
  messageId: "Nats-Msg-Id",
} as const;

/** One message of a batch. */
export interface BatchMessage {
  readonly subject: string;
  readonly body: string;
  readonly messageId: string;
  /** Changed: they get those of the batch. */
  readonly headers: MsgHdrs;
}

/**
 * Publishes messages that are stored one right after another, or not at all. Resolves to the position of the first.
 *
 * @param asksEach - whether the server is asked about each message: without that, why it refused one before the last
 * isn't known
 * @throws JetStreamApiError (rejects) when the server refused the batch; nothing of it is stored then. After other
 * errors it may be.
 */
export async function publishBatch(
  connection: Connection,
  messages: readonly BatchMessage[],
  asksEach: boolean,
): Promise<number> {
  const { nats } = connection;
  const timeout = Math.min(TRY_MS, connection.patienceMs);
  const batch = randomUUID();
  const answers: Promise<void>[] = [];
  let bytes = 0;
  for (const [index, { subject, body, messageId, headers }] of messages.entries()) {
    headers.set(HEADER.batch, batch);
    headers.set(HEADER.sequence, String(index + 1));
    headers.set(HEADER.messageId, messageId);
    headers.delete(HEADER.commit);
    bytes += body.length;
    if (index === messages.length - 1) {
      headers.set(HEADER.commit, "1");
      const committed = nats.request(subject, body, { headers, timeout });
      const [answer] = await Promise.all([committed, ...answers]);
      return resultOf(answer, messages.length);
    }
    if (asksEach || bytes > BYTES_AT_ONCE) {
      const answer = nats.request(subject, body, { headers, timeout }).then(requireTaken);
      if (asksEach) answers.push(answer);
      else await answer;
      bytes = 0;
    } else {
      nats.publish(subject, body, { headers });
    }
  }
  throw new Error("A batch has at least one message.");
}

/** An empty answer: the message is in the batch. */
function requireTaken(answer: Msg): void {
  if (answer.data.length > 0) requireSuccess(answer.json<Answer>());
}

function resultOf(answer: Msg, count: number): number {
  const ack = answer.json<Answer>();
  requireSuccess(ack);
  if (ack.seq === undefined || ack.count !== count) {
    throw new Error(`The server stored ${ack.count} messages of a batch of ${count}.`);
  }
  return ack.seq - count + 1;
}

function requireSuccess({ error }: Answer): void {
  if (error !== undefined) throw new JetStreamApiError(error);
}

interface Answer {
  readonly error?: ApiError;
  /** Position of the last message. */
  readonly seq?: number;
  readonly count?: number;
}
