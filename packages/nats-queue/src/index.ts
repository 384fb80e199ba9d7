export { openNatsQueue } from "./open.ts";
export type { NatsQueueOptions, ServerLimits } from "./options.ts";
export { NatsEventQueue } from "./queue.ts";
