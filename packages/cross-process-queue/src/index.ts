export type { QueueBackup } from "./backup.ts";
export { type Survives } from "./commit.ts";
export type { SqliteDatabase, TransactionDatabase } from "./driver.ts";
export type { CrossProcessQueueOptions, QueueLocation } from "./options.ts";
export { CrossProcessEventQueue } from "./queue.ts";
export { type SalvageReport, salvageQueue } from "./salvage.ts";
export type { PositionRange } from "./readable-rows.ts";
export type { SqliteTransaction } from "./transactions.ts";
