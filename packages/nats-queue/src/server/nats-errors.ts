import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { QueueError } from "@ringrift/event-queue";

/** Codes of the JetStream API that mean: there is no room for more. */
const FULL: ReadonlySet<number> = new Set([10_002, 10_023, 10_028, 10_047, 10_077, 10_122]);
/** A wrong last sequence, in two forms, and a wrong last message id. */
const CONFLICT: ReadonlySet<number> = new Set([10_071, 10_164, 10_070]);
const NOT_FOUND: ReadonlySet<number> = new Set([10_014, 10_037, 10_043, 10_057, 10_059]);
const TOO_LARGE = 10_054;
/** An earlier try of the same message isn't stored yet, nor refused. */
const IN_PROCESS = 10_158;
/**
 * Other senders' batches are in the way (too many of them; a message that one has and hasn't stored yet), or the server
 * has lost a part of ours.
 */
const CROWDED: ReadonlySet<number> = new Set([IN_PROCESS, 10_176, 10_210, 10_211]);
const REPEATED_IN_BATCH = 10_201;
const BATCH_TOO_LARGE = 10_199;

/** Turns what the NATS client rejects with into a `QueueError`; other errors stay as they are. */
export function toQueueError(error: unknown, doing: string): Error {
  if (error instanceof QueueError) return error;
  if (error instanceof JetStreamApiError) return fromApi(error, doing);
  if (isDenied(error)) {
    return new QueueError(
      "ACCESS_DENIED",
      `The NATS server refused ${doing}: ${messageOf(error)}. Check user, token, nkey or creds, and the permissions of the account (docs/nats-permissions.md lists the rights of each role).`,
      { cause: error },
    );
  }
  if (isUnreachable(error)) return unreachable(doing, error);
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether asking again may help: the server is away, restarting, electing a leader, or has too many batches. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof QueueError) return error.code === "SERVER_UNREACHABLE";
  if (error instanceof JetStreamApiError) {
    return CROWDED.has(error.code) || (error.status === 503 && !FULL.has(error.code));
  }
  if (isDenied(error)) return false;
  return (
    error instanceof errors.TimeoutError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.ConnectionError ||
    error instanceof errors.ClosedConnectionError ||
    error instanceof errors.DrainingConnectionError ||
    error instanceof errors.RequestError ||
    (error instanceof Error && (error.name === "JetStreamNotEnabled" || isSocketError(error)))
  );
}

/** Whether there was no answer, or none that says more than that nobody is there to give it. */
export function isUnanswered(error: unknown): boolean {
  if (error instanceof JetStreamApiError) {
    return error.code === IN_PROCESS || (error.status === 503 && isUnreachable(error));
  }
  return (
    error instanceof errors.TimeoutError ||
    error instanceof errors.NoRespondersError ||
    error instanceof errors.RequestError ||
    (error instanceof Error && error.name === "JetStreamNotEnabled")
  );
}

/** A compare-and-set that lost. */
export function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && CONFLICT.has(error.code);
}

/** A batch that was refused because the server knows one of its messages already. */
export function isRepeatedInBatch(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === REPEATED_IN_BATCH;
}

/** How many messages the server takes in a batch, if it refused one because of that. */
export function mostOfBatch(error: unknown): number | undefined {
  const cause: unknown = error instanceof QueueError ? error.cause : error;
  if (!(cause instanceof JetStreamApiError) || cause.code !== BATCH_TOO_LARGE) return undefined;
  const most = Number(/\d+$/.exec(cause.message)?.[0]);
  return most > 0 ? most : undefined;
}

/** A stream, consumer or message that isn't there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && NOT_FOUND.has(error.code);
}

const STREAM_NOT_FOUND = 10_059;

/** Whether a stream isn't there, as far as one can tell from this: nobody listens also where none leads at the moment. */
export function mayMissStream(error: unknown): boolean {
  return (
    isStreamMissing(error) ||
    error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders()) ||
    (error instanceof Error && error.name === "JetStreamNotEnabled")
  );
}

/** A stream that isn't there. */
export function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND;
}

/** The error of a server that doesn't answer. */
export function unreachable(doing: string, cause?: unknown): QueueError {
  return new QueueError(
    "SERVER_UNREACHABLE",
    `The NATS server didn't answer while ${doing}. Check that it runs and can be reached, and that its cluster has a leader; the connection is tried again by itself.`,
    { cause },
  );
}

function fromApi(error: JetStreamApiError, doing: string): QueueError {
  if (FULL.has(error.code)) {
    return new QueueError(
      "QUEUE_FULL",
      `The NATS server has no room while ${doing}: ${error.message}. Raise the limits of the stream, the account or the server's disk, or shorten retention.`,
      { cause: error },
    );
  }
  if (error.code === TOO_LARGE) {
    return new QueueError(
      "PAYLOAD_TOO_LARGE",
      `The stream refused an event by its size: ${error.message}. Raise its max_msg_size, or send where the data is.`,
      { cause: error },
    );
  }
  if (error.status === 503) return unreachable(doing, error);
  return new QueueError(
    "STORAGE_FAILED",
    `JetStream failed while ${doing}: ${error.message} (${error.code}). See cause.`,
    { cause: error },
  );
}

/** Whether the server refused it for want of permission. */
export function isDenied(error: unknown): boolean {
  return (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError ||
    error instanceof errors.PermissionViolationError ||
    (error instanceof Error && error.cause instanceof errors.PermissionViolationError)
  );
}

/** Whether a call was refused for want of a right. */
export function isAccessDenied(error: unknown): boolean {
  return error instanceof QueueError && error.code === "ACCESS_DENIED";
}

function isSocketError(error: Error): boolean {
  return "code" in error && typeof error.code === "string" && /^E[A-Z_]+$/.test(error.code);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
