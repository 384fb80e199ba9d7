/** Moves a queue, and says how far it is: `migrator.ts <from> <to>`. Waits a moment after each batch. */
import { migrateQueue } from "@ringrift/event-queue";
import { openAt } from "./open-at.ts";

const [from = "", to = ""] = process.argv.slice(2);
const source = openAt(from);
const slow = {
  onProgress: (copied: number) => process.send?.({ copied }),
  hold: () => new Promise(() => {}),
};
await migrateQueue(source, openAt(to), slow);
