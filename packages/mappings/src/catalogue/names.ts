/**
 * How one bus's spelling follows from the topic, once as a type and once as a function, so that the
 * compiler and the process agree on every name.
 */

type Replace<
  T extends string,
  From extends string,
  To extends string,
> = T extends `${infer Head}${From}${infer Tail}` ? `${Head}${To}${Replace<Tail, From, To>}` : T;

/** `order.line-added` → `order_line_added`: the data-tier spelling of a topic. */
export type SnakeName<Topic extends string> = Lowercase<
  Replace<Replace<Topic, ".", "_">, "-", "_">
>;

/** `order.placed` → `ORDER_PLACED`: the queue's spelling of a topic. */
export type UpperSnakeName<Topic extends string> = Uppercase<SnakeName<Topic>>;

/** `data.new_games` → `dataNewGames`: the name of a topic's typed emitter. */
export type EmitterName<Topic extends string> = CamelName<
  Replace<Replace<Topic, "_", ".">, "-", ".">
>;

type CamelName<T extends string> = T extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelName<Tail>>}`
  : T;

/** The data-tier spelling that follows from a topic: `order.placed` → `order_placed`. */
export function snakeName(topic: string): string {
  return topic.replaceAll(/[.-]/g, "_").toLowerCase();
}

/** The queue's spelling that follows from a topic: `order.placed` → `ORDER_PLACED`. */
export function upperSnakeName(topic: string): string {
  return snakeName(topic).toUpperCase();
}

/**
 * The name of a topic's typed emitter.
 *
 * @example emitterName("training.completed") // "trainingCompleted"
 */
export function emitterName<const Topic extends string>(topic: Topic): EmitterName<Topic> {
  const [head = "", ...rest] = topic.split(/[._-]/);
  const name = head + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  // The cast is safe: the same rule, written as a type.
  return name as EmitterName<Topic>;
}
