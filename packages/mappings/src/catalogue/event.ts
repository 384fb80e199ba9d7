declare const payload: unique symbol;

/** What an event is called besides its topic, and what its failure is called. All of it is optional. */
export interface EventOptions<Field extends string = string> {
  /** Its names on the stage bus (`snake_case`). The first one stands for all of them. @default none */
  readonly stages?: readonly string[];
  /** Its data-tier name (`snake_case`). @default the topic in snake case, `order_placed` */
  readonly data?: string;
  /** Its name on the queue (`UPPERCASE_SNAKE`). @default the topic, `ORDER_PLACED` */
  readonly crossProcess?: string;
  /** Other spellings that are understood wherever a name is looked up, and never produced. @default none */
  readonly aliases?: readonly string[];
  /** The topic under which a stage of this event fails. @default `<domain>.failed` */
  readonly failure?: string;
  /**
   * The topic of a stage that did not succeed although nothing went wrong: it has no `error`.
   * @default the failure
   */
  readonly rejection?: string;
  /** Whether the event stays in its process: it has no name on the queue. @default false */
  readonly local?: boolean;
  /** Fields that a stage event may carry in its `metadata`, and and that become fields of the payload. @default none */
  readonly metadata?: readonly Field[];
}

/** One event of a catalogue: its payload's type and its names. Made by {@link event} or {@link named}. */
export interface EventDefinition<
  Payload extends object = object,
  Options extends EventOptions = EventOptions,
> {
  readonly options: Options;
  /** Exists in types only. */
  readonly [payload]?: Payload;
}

/** Topic → definition: what {@link defineCatalogue} takes. */
export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

/** The payload type of a definition. */
export type DefinedPayload<Definition> =
  Definition extends EventDefinition<infer Payload, infer _> ? Payload : never;

/** An event whose names all follow from its topic. */
// oxlint-disable-next-line typescript/no-empty-object-type -- no options is what the type must say
export type PlainEvent<Payload extends object> = EventDefinition<Payload, {}>;

/**
 * Defines an event by its payload alone; every name follows from the topic.
 *
 * @example defineCatalogue({ "order.placed": event<{ id: string }>() }) // ORDER_PLACED, order_placed
 */
export function event<Payload extends object>(): PlainEvent<Payload> {
  return { options: {} };
}

/**
 * Defines an event that has stages, or names that do not follow from its topic. Two calls, because
 * the payload is given and the names are inferred.
 *
 * @example named<{ count: number }>()({ stages: ["selfplay_complete"], crossProcess: "NEW_GAMES_AVAILABLE" })
 */
export function named<Payload extends object>(): <
  const Options extends EventOptions<keyof Payload & string>,
>(
  options: Options,
) => EventDefinition<Payload, Options> {
  return (options) => ({ options });
}
