export type { QueueBackup } from "./repair/backup.ts";
export { type Survives } from "./commit/committer.ts";
export type { SqliteDatabase, TransactionDatabase } from "./files/driver.ts";
export type { CrossProcessQueueOptions, QueueLocation } from "./engine/options.ts";
export { CrossProcessEventQueue } from "./queue.ts";
export { type SalvageReport, salvageQueue } from "./repair/salvage.ts";
export type { PositionRange } from "./repair/readable-rows.ts";
export type { SqliteTransaction } from "./backend/transactions.ts";
