import { quoted } from "@ringrift/envelope";
import { QueueError } from "@ringrift/event-queue";
import { toQueueError, unreachable } from "./nats-errors.ts";
import type { CheckedOptions } from "./options.ts";
import { withoutSecret } from "./server-address.ts";

/** The error of a first connection that failed. */
export function notConnected(error: unknown, { connection }: CheckedOptions): Error {
  const servers = [connection.servers ?? "127.0.0.1:4222"].flat().map(withoutSecret).join(", ");
  if (isInvalidUrl(error)) {
    // Without its cause, which holds the address as it was given.
    return new QueueError(
      "INVALID_OPTION",
      `Option "servers" is ${quoted(servers, 512)}, and one of these isn't an address. Give host and port, e.g. "127.0.0.1:4222", and the user in "user" and "pass".`,
    );
  }
  const failure = toQueueError(error, "connecting");
  if (failure instanceof QueueError && failure.code === "ACCESS_DENIED") return failure;
  // A server that refuses a certificate breaks off, and the client waits in vain.
  const tls = connection.tls
    ? ' With "tls" one side may also have refused the certificate of the other: the log of the server says so.'
    : "";
  return new QueueError(
    "SERVER_UNREACHABLE",
    `No NATS server answers at ${servers}: ${failure.message.replace(/\.$/, "")}. Start one (nats-server -js -sd <folder>), or correct "servers".${tls}`,
    { cause: error },
  );
}

function isInvalidUrl(error: unknown): boolean {
  return error instanceof TypeError && "code" in error && error.code === "ERR_INVALID_URL";
}

/** The error of an account that has no JetStream, or of whatever else was wrong when it was asked. */
export function noJetStream(error: unknown, { domain }: CheckedOptions): Error {
  const failure = toQueueError(error, "asking for JetStream");
  const name = error instanceof Error ? error.name : "";
  const isOff = name === "JetStreamNotEnabled" || /not enabled/i.test(failure.message);
  if (!isOff) return failure;
  const where = domain === undefined ? "" : ` in the domain "${domain}"`;
  return new QueueError(
    "JETSTREAM_DISABLED",
    `The NATS server has no JetStream for this account${where}. Start it with "-js -sd <folder>" (or a jetstream block in its configuration), and give the account JetStream.`,
    { cause: error },
  );
}

/** The error of a queue that somebody has deleted streams of. */
export function streamsGone(names: readonly string[], doing: string, cause: unknown): QueueError {
  const list = names.map((name) => `"${name}"`).join(", ");
  const which = names.length === 1 ? `stream ${list} is` : `streams ${list} are`;
  return new QueueError(
    "STORAGE_FAILED",
    `Failed while ${doing}: the ${which} gone from the NATS server, with all that it held; somebody deleted it. Restore it from a backup, or open the queue again (openNatsQueue): it makes what is missing, empty.`,
    { cause },
  );
}

/** What was found of a server that gave no answer. */
export type ServerState =
  /** It doesn't answer a ping either, or there is no connection. */
  | "away"
  /** It is there, and nobody leads the log. */
  | "leaderless"
  /** It is there, and tells of the log. */
  | "there";

/** The error of a server that gave no answer for as long as it was waited for. */
export function noAnswer(
  state: ServerState,
  { doing, stream }: { readonly doing: string; readonly stream: string },
  cause: unknown,
): QueueError {
  if (state === "away") return unreachable(doing, cause);
  const text =
    state === "leaderless"
      ? `The NATS server is there, but nobody leads the stream "${stream}" while ${doing}: more than half of the servers that have a copy are away, or they elect a leader just now. Start those that are away; it is tried again by itself.`
      : `The NATS server is there, but gave no answer while ${doing}: it has too much to do, or can't write to its disk, which may be full; its log says so. Make room and restart it: a stream that failed to write takes in nothing until then.`;
  return new QueueError("SERVER_UNREACHABLE", text, { cause });
}
