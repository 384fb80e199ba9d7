import { createHash, randomBytes } from "node:crypto";

/** Subject token of events without a key. */
export const NO_KEY = "_";
/** Order keys share this many hexadecimal digits' worth of subjects, so that a stream never has more. */
const BUCKET_DIGITS = 5;

/** An event and its place: a server that has lost the end of its log gives a position to another event. */
export interface EventInLog {
  readonly position: number;
  /** Empty where it can't be read. */
  readonly id: string;
}

/**
 * Names of a queue's streams and subjects, all below the name of the queue:
 * `name.events.TYPE.bucket` in the stream `name`; `name.dead.…` and `name.redrive.…` in `name-dead`;
 * `name.state.…` in `name-state`; `name.notice` and `name.delays` are in no stream.
 */
export class Names {
  /** Stream of the events; also the name of the queue. */
  readonly stream: string;
  readonly deadStream: string;
  readonly stateStream: string;
  /** Subject on which instances tell each other that a group has changed. */
  readonly notice: string;
  /** Subject on which senders tell the others when an event falls due that they have delayed. */
  readonly delays: string;

  constructor(stream: string) {
    this.stream = stream;
    this.deadStream = `${stream}-dead`;
    this.stateStream = `${stream}-state`;
    this.notice = `${stream}.notice`;
    this.delays = `${stream}.delays`;
  }

  event(type: string, key: string | undefined): string {
    return `${this.stream}.events.${toToken(type)}.${bucketOf(key)}`;
  }

  eventsOf(type: string): string {
    return `${this.stream}.events.${toToken(type)}.*`;
  }

  eventsOfBucket(bucket: string): string {
    return `${this.stream}.events.*.${bucket}`;
  }

  eventsOfTypeAndBucket(type: string, bucket: string): string {
    return `${this.stream}.events.${toToken(type)}.${bucket}`;
  }

  get allEvents(): string {
    return `${this.stream}.events.*.*`;
  }

  /** Type of an event by its subject. */
  typeOf(subject: string): string {
    return fromToken(subject.split(".")[2] ?? "");
  }

  /** Bucket of an event's key by its subject; {@link NO_KEY} when it has none. */
  bucketOf(subject: string): string {
    return subject.split(".")[3] ?? NO_KEY;
  }

  letter(group: string, type: string, which: EventInLog): string {
    return `${this.stream}.dead.${toToken(group)}.${toToken(type)}.${placeOf(which)}`;
  }

  letters(group?: string, type?: string): string {
    if (group === undefined && type === undefined) return `${this.stream}.dead.>`;
    return `${this.stream}.dead.${group === undefined ? "*" : toToken(group)}.${type === undefined ? "*" : toToken(type)}.*`;
  }

  /** The letters of one event, of whichever groups. */
  lettersOf(type: string, which: EventInLog): string {
    return `${this.stream}.dead.*.${toToken(type)}.${placeOf(which)}`;
  }

  /** The one copy of an event that groups have letters of. */
  letterCopy(type: string, which: EventInLog): string {
    return `${this.stream}.dead-copy.${toToken(type)}.${placeOf(which)}`;
  }

  redriven(group: string, which: EventInLog | "*"): string {
    return `${this.stream}.redrive.${toToken(group)}.${which === "*" ? which : placeOf(which)}`;
  }

  get allRedriven(): string {
    return `${this.stream}.redrive.*.*`;
  }

  isRedriven(subject: string): boolean {
    return subject.startsWith(`${this.stream}.redrive.`);
  }

  /** Group of a letter, or of what was redriven, by its subject. */
  groupOf(subject: string): string {
    return fromToken(subject.split(".")[2] ?? "");
  }

  group(group: string): string {
    return `${this.stream}.state.group.${toToken(group)}`;
  }

  get groups(): string {
    return `${this.stream}.state.group.*`;
  }

  touched(group: string): string {
    return `${this.stream}.state.touched.${toToken(group)}`;
  }

  claim(group: string): string {
    return `${this.stream}.state.claim.${toToken(group)}`;
  }

  /** What is known of one event of one group that isn't a plain first delivery. */
  delivery(incarnation: string, lane: string, position: number): string {
    return `${this.stream}.state.delivery.${incarnation}.${lane}.${position}`;
  }

  deliveries(incarnation: string): string {
    return `${this.stream}.state.delivery.${incarnation}.>`;
  }

  /** How far a group is with the events of a bucket of keys: see `KeyLine`. */
  keyLine(incarnation: string, bucket: string): string {
    return `${this.stream}.state.key.${incarnation}.${bucket}`;
  }

  keyLines(incarnation: string): string {
    return `${this.stream}.state.key.${incarnation}.*`;
  }

  /** That something waits in a line which the consumer doesn't tell of. */
  keyMark(incarnation: string, bucket: string): string {
    return `${this.stream}.state.mark.${incarnation}.${bucket}`;
  }

  keyMarks(incarnation: string): string {
    return `${this.stream}.state.mark.${incarnation}.*`;
  }

  /** That no group has this incarnation any more: a member that doesn't know it yet may write of it for a while. */
  gone(incarnation: string): string {
    return `${this.stream}.state.gone.${incarnation}`;
  }

  get allGone(): string {
    return `${this.stream}.state.gone.*`;
  }

  /** How many events a group has skipped. */
  skipped(group: string): string {
    return `${this.stream}.state.skipped.${toToken(group)}`;
  }

  /** An event that waits for its time, by its message id: the server takes one of each. */
  delayed(messageId: string): string {
    return `${this.stream}.state.delayed.${digestOf(messageId)}`;
  }

  get allDelayed(): string {
    return `${this.stream}.state.delayed.*`;
  }

  /** Under which message id an event waits that has another one than its own id. */
  delayedId(id: string): string {
    return `${this.stream}.state.delayed-id.${digestOf(id)}`;
  }

  /** Where a delayed event is, after it has entered the log. */
  admitted(messageId: string): string {
    return `${this.stream}.state.admitted.${digestOf(messageId)}`;
  }

  get allAdmitted(): string {
    return `${this.stream}.state.admitted.*`;
  }

  /** Which event of a type has an id that was given or derived, and where it is. */
  storedId(type: string, id: string): string {
    return `${this.stream}.state.id.${toToken(type)}.${digestOf(id)}`;
  }

  get allStoredIds(): string {
    return `${this.stream}.state.id.*.*`;
  }

  /** Which instance takes delayed events into the log. */
  get admission(): string {
    return `${this.stream}.state.admission`;
  }

  /** See `Identity`. */
  get identity(): string {
    return `${this.stream}.state.identity`;
  }

  /** How far the log was, as far as known. */
  get extent(): string {
    return `${this.stream}.state.extent`;
  }

  /** What the server has lost. */
  get loss(): string {
    return `${this.stream}.state.loss`;
  }

  get clock(): string {
    return `${this.stream}.state.clock`;
  }
}

/** Keys of one bucket are ordered as if they were one. */
export function bucketOf(key: string | undefined): string {
  if (key === undefined) return NO_KEY;
  return `k${createHash("sha1").update(key).digest("hex").slice(0, BUCKET_DIGITS)}`;
}

/** A position and its event as one subject token. */
function placeOf({ position, id }: EventInLog): string {
  return id === "" ? `${position}` : `${position}-${digestOf(id).slice(0, 16)}`;
}

/** A subject token for what may be long, and hold any character. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** A new name for a group's consumers: never used before, so that a lease of earlier ones can't reach them. */
export function newIncarnation(group: string): string {
  return `${group.replaceAll(/[^\w-]/g, "-").slice(0, 64)}_${randomBytes(6).toString("hex")}`;
}

/** A name as one subject token: what a token can't hold becomes `=` and its code. */
export function toToken(name: string): string {
  return name.replaceAll(
    /[^\w-]/g,
    (char) => `=${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function fromToken(token: string): string {
  return token.replaceAll(/=([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
