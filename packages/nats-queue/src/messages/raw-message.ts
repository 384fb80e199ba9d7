import type { Msg, MsgHdrs } from "@nats-io/transport-node";

/** A message as a consumer delivers it. */
export interface RawMessage {
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly text: string;
  /** Sequence in its stream. */
  readonly position: number;
  /** When the server stored it, in ms since the epoch. */
  readonly time: number;
  /** How often its consumer has delivered it, with this delivery. */
  readonly delivery: number;
  /** Which of all deliveries of its consumer this is. */
  readonly sequence: number;
  /** Where it is acknowledged. */
  readonly reply: string;
}

const DECODER = new TextDecoder();
const NANOS = 1_000_000;
/** `$JS.ACK.stream.consumer.delivery.position.…`; newer forms have the domain and the account before the stream. */
const SHORT_FORM = 9;

/** Reads what the server says about a delivery in its reply subject. */
export function rawMessage(message: Msg): RawMessage {
  const reply = message.reply ?? "";
  const tokens = reply.split(".");
  const at = tokens.length === SHORT_FORM ? 4 : 6;
  return {
    subject: message.subject,
    headers: message.headers,
    text: DECODER.decode(message.data),
    delivery: Number(tokens[at]),
    position: Number(tokens[at + 1]),
    sequence: Number(tokens[at + 2]),
    time: Math.floor(Number(tokens[at + 3]) / NANOS),
    reply,
  };
}
