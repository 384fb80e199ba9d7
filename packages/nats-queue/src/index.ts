export { openNatsQueue } from "./open-nats-queue.ts";
export type { NatsQueueOptions, ServerLimits } from "./server/options.ts";
export { NatsEventQueue } from "./queue.ts";
