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
  /** Which of the connections that follow each other it came on. */
  readonly link: number;
}

/** Of what somebody else was given: nobody knows when. */
export const UNKNOWN_LINK = -1;

const DECODER = new TextDecoder();
const NANOS = 1_000_000;
/** `$JS.ACK.stream.consumer.delivery.position.…`; newer forms have the domain and the account before the stream. */
const SHORT_FORM = 9;

/** A message as it came on a connection. */
export function rawMessage(message: Msg, link: number): RawMessage {
  return {
    subject: message.subject,
    headers: message.headers,
    text: DECODER.decode(message.data),
    ...deliveryOf(message.reply ?? ""),
    link,
  };
}

/** What the server says about a delivery in its reply subject. */
export function deliveryOf(
  reply: string,
): Pick<RawMessage, "delivery" | "position" | "sequence" | "time" | "reply"> {
  const tokens = reply.split(".");
  const at = tokens.length === SHORT_FORM ? 4 : 6;
  return {
    delivery: Number(tokens[at]),
    position: Number(tokens[at + 1]),
    sequence: Number(tokens[at + 2]),
    time: Math.floor(Number(tokens[at + 3]) / NANOS),
    reply,
  };
}
