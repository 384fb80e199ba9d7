import type { StandardSchemaV1 } from "@standard-schema/spec";
import { printable, quoted } from "@ringrift/envelope";
import { EventBusError } from "../contract/errors.ts";

/** Issues that the message tells; the error has all of them. */
const SHOWN_ISSUES = 5;
const LONGEST_TEXT = 160;

/**
 * A payload that its topic's schema refuses, code `INVALID_PAYLOAD`: nothing was delivered or kept.
 * When the schema itself failed there are no issues, and `cause` is what it threw.
 */
export class PayloadError extends EventBusError {
  override readonly name: string = "PayloadError";
  readonly topic: string;
  /** What the schema found, in its own words; the message has the first five. */
  readonly issues: readonly StandardSchemaV1.Issue[];

  constructor(topic: string, issues: readonly StandardSchemaV1.Issue[], options?: ErrorOptions) {
    const found = options && "cause" in options ? failure(options.cause) : describe(issues);
    super(
      "INVALID_PAYLOAD",
      `Payload of "${topic}" is invalid: ${found}. Publish what the topic's schema accepts.`,
      options,
    );
    this.topic = topic;
    this.issues = issues;
  }
}

function describe(issues: readonly StandardSchemaV1.Issue[]): string {
  const shown = issues.slice(0, SHOWN_ISSUES).map((issue) => {
    // Types alone bind what a schema gives.
    const { path, message } = Object(issue) as StandardSchemaV1.Issue;
    const text = printable(message, LONGEST_TEXT);
    if (!Array.isArray(path) || path.length === 0) return text;
    const place = path.map((step) => printable(Object(step).key ?? step)).join(".");
    return `${quoted(place, LONGEST_TEXT)}: ${text}`;
  });
  const more = issues.length - shown.length;
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function failure(cause: unknown): string {
  return `its schema failed (${printable(cause, LONGEST_TEXT)})`;
}
