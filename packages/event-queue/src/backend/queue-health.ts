import type { QueueHealth } from "../contract.ts";
import { QueueError } from "../errors.ts";
import type { HealthReport } from "./queue-backend.ts";
import { groupProblems, sendersHeldBack } from "./group-problems.ts";
import type { QueueInstance } from "./queue-instance.ts";

/** Broken events of which a problem names the positions. */
const MOST_NAMED = 10;

/** Whether the queue can be read and written now. Resolves also when it can't; rejects when it is closed. */
export async function queueHealth(
  instance: QueueInstance,
  maxBacklog: number | undefined,
): Promise<QueueHealth> {
  const report: HealthReport = { backend: instance.kind.name, problems: [], details: {} };
  const { problems } = report;
  try {
    await instance.use(async (backend) => {
      await backend.health(report);
      const groups = await backend.groups.list();
      problems.push(...groupProblems(groups));
      if (maxBacklog === undefined) return;
      const furthest = await backend.groups.furthestBehind(maxBacklog);
      problems.push(...sendersHeldBack(furthest, maxBacklog));
    });
  } catch (error) {
    if (error instanceof QueueError && error.code === "QUEUE_CLOSED") throw error;
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const { corrupt } = instance;
  if (corrupt.size > 0) {
    const positions = [...corrupt].slice(0, MOST_NAMED).join(", ");
    problems.push(
      `${corrupt.size} events could not be read and were skipped (positions ${positions}). Something other than this library wrote or damaged them.`,
    );
  }
  return { ok: problems.length === 0, ...report };
}
