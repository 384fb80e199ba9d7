/** Leases what a group has, says so, and does nothing with it: `holder.ts <queue> <group>`. */
import { openAt } from "./open-at.ts";

const [where = "", group = ""] = process.argv.slice(2);
const events = await openAt(where).group(group).receive({ limit: 10, waitMs: 10_000 });
process.send?.({ leased: events.length });
setInterval(() => {}, 1_000);
