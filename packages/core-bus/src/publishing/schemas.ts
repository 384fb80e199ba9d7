import { type Contracts, type EventName, printable, quoted } from "@ringrift/envelope";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { EventBusError } from "../contract/errors.ts";
import { PayloadError } from "./payload-error.ts";
import { asPromise, isObject } from "../host/thenable.ts";

/** Topics that an error names. */
const SHOWN_TOPICS = 8;

/** Topic → schema: of zod, valibot, arktype or any other library that speaks Standard Schema. */
export type SchemaMap = Readonly<Record<string, StandardSchemaV1>>;

/** Schemas for topics whose payload types are given already; without such, see {@link PayloadsOf}. */
export type SchemasFor<C extends Contracts> =
  string extends EventName<C>
    ? undefined
    : { readonly [K in EventName<C>]?: StandardSchemaV1<unknown, C[K]> };

/** The contracts that schemas stand for: what each of them gives out. */
export type PayloadsOf<S extends SchemaMap> = {
  [K in EventName<S>]: StandardSchemaV1.InferOutput<S[K]>;
};

/**
 * Refuses schemas that don't accept what they give out, such as one from text to `Date`: an event is
 * checked on every bus it passes, and has one payload type.
 */
export type Repeatable<S extends SchemaMap> = {
  readonly [K in keyof S]: StandardSchemaV1.InferOutput<S[K]> extends StandardSchemaV1.InferInput<
    S[K]
  >
    ? S[K]
    : "This schema does not accept what it gives out. Transform before you publish.";
};

/** A payload as its schema gave it out; in an object, because it may be thenable itself. */
export interface Checked {
  readonly value: unknown;
}

type Result = StandardSchemaV1.Result<unknown>;

/** The schemas of a bus, and how many payloads they refused. */
export class PayloadSchemas {
  readonly #schemas: ReadonlyMap<string, StandardSchemaV1>;
  #refused = 0;

  /**
   * `checkName` throws on what is no topic of the bus.
   *
   * @throws EventBusError `INVALID_OPTION`
   */
  constructor(schemas: SchemaMap, checkName: (topic: string) => void) {
    if (typeof schemas !== "object" || schemas === null) {
      throw new EventBusError(
        "INVALID_OPTION",
        `Option "schemas" is ${quoted(schemas)}. Give an object: topic → schema.`,
      );
    }
    const entries = Object.entries(schemas);
    for (const [topic, schema] of entries) {
      checkName(topic);
      if (isStandardSchema(schema)) continue;
      throw new EventBusError(
        "INVALID_OPTION",
        `The schema of "${topic}" is "${typeof schema}" without a "~standard" of version 1. Give a Standard Schema, e.g. one of zod 4, valibot 1 or arktype 2.`,
      );
    }
    this.#schemas = new Map(entries);
  }

  /** Payloads refused since the bus began. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether a topic has a schema. */
  has(topic: string): boolean {
    return this.#schemas.has(topic);
  }

  /**
   * Checks a payload: what its schema gives out, or a promise of it where the schema is asynchronous.
   * A topic without a schema takes anything.
   *
   * @throws PayloadError, or rejects with it
   */
  check(topic: string, payload: unknown): Checked | Promise<Checked> {
    const result = this.#ask(topic, payload);
    return result instanceof Promise ? this.#settle(topic, result) : this.#read(topic, result);
  }

  /**
   * `check` for those who cannot wait.
   *
   * @throws PayloadError; EventBusError `ASYNC_SCHEMA`
   */
  checkNow(topic: string, payload: unknown): Checked {
    const result = this.#ask(topic, payload);
    if (!(result instanceof Promise)) return this.#read(topic, result);
    // The answer is thrown away: it must not become an unhandled rejection.
    result.catch(() => undefined);
    const cause = thrownBy(this.#schemas.get(topic), payload);
    if (cause !== undefined) throw this.#refuse(topic, [], { cause });
    throw new EventBusError(
      "ASYNC_SCHEMA",
      `The schema of "${topic}" is asynchronous, and nothing can wait for it here. Use publish, or make the schema synchronous.`,
    );
  }

  /**
   * `checkNow` for events of the past, which nobody publishes: `undefined` when a payload is refused.
   *
   * @throws EventBusError `ASYNC_SCHEMA`
   */
  checkPast(topic: string, payload: unknown): Checked | undefined {
    try {
      return this.checkNow(topic, payload);
    } catch (cause) {
      if (cause instanceof PayloadError) return undefined;
      throw cause;
    }
  }

  /** What is said of a topic that has no schema, when the schemas say which topics there are. */
  unknownTopic(topic: string): EventBusError {
    const topics = [...this.#schemas.keys()];
    const shown = topics.slice(0, SHOWN_TOPICS).join(", ");
    return new EventBusError(
      "UNKNOWN_TOPIC",
      `Topic "${topic}" has no schema on this bus. Use one that has (${shown}${topics.length > SHOWN_TOPICS ? ", …" : ""}), or add a schema for it.`,
    );
  }

  #ask(topic: string, payload: unknown): Result | Promise<Result> {
    const schema = this.#schemas.get(topic);
    if (!schema) return { value: payload };
    try {
      const result = schema["~standard"].validate(payload);
      return (asPromise(result) as Promise<Result> | undefined) ?? result;
    } catch (cause) {
      throw this.#refuse(topic, [], { cause });
    }
  }

  async #settle(topic: string, later: Promise<Result>): Promise<Checked> {
    let result: Result;
    try {
      result = await later;
    } catch (cause) {
      throw this.#refuse(topic, [], { cause });
    }
    return this.#read(topic, result);
  }

  #read(topic: string, result: Result): Checked {
    // Types alone bind what a validator gives.
    const { issues } = Object(result) as Partial<Result>;
    if (Array.isArray(issues) && issues.length > 0) throw this.#refuse(topic, issues);
    if (!issues && isObject(result) && "value" in result) return result;
    const cause = new TypeError("it gave neither a value nor issues");
    throw this.#refuse(topic, [], { cause });
  }

  #refuse(
    topic: string,
    issues: readonly StandardSchemaV1.Issue[],
    options?: ErrorOptions,
  ): PayloadError {
    this.#refused += 1;
    return new PayloadError(topic, issues, options);
  }
}

function isStandardSchema(value: unknown): boolean {
  // Arktype's schemas are functions.
  const candidate = value as Partial<StandardSchemaV1> | null | undefined;
  const standard = candidate?.["~standard"];
  return standard?.version === 1 && typeof standard.validate === "function";
}

/**
 * What a validator threw that answered with a promise. zod takes whatever a refinement throws for a sign that the schema is
 * asynchronous, and asks it again; its `safeParse` throws the failure itself, or says that a promise was encountered.
 */
function thrownBy(schema: object | undefined, payload: unknown): unknown {
  try {
    (schema as { safeParse?(payload: unknown): unknown }).safeParse?.(payload);
  } catch (cause) {
    if (!/during synchronous parse/.test(printable(cause))) return cause;
  }
  return undefined;
}
