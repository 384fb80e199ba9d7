import { printable } from "@ringrift/envelope";
import type { QueueHealth } from "../contract/event-queue.ts";
import { QueueError } from "../failures/errors.ts";
import type { HealthProblem } from "../failures/health-problem.ts";
import type { BackedQueueSettings } from "./backed-queue-options.ts";
import { groupProblems, sendersHeldBack } from "../backend/group-problems.ts";
import type { HealthReport } from "../backend/queue-backend.ts";
import type { QueueInstance } from "../backend/queue-instance.ts";

/** Broken events of which a problem names the positions. */
const MOST_NAMED = 10;

/** Whether the queue can be read and written now. Resolves also when it can't; rejects when it is closed. */
export async function queueHealth(
  instance: QueueInstance,
  { maxLagMs, backlog }: BackedQueueSettings,
): Promise<QueueHealth> {
  const { name } = instance.kind;
  const report: HealthReport = { backend: name, problems: [], ages: new Map(), details: {} };
  const { problems, ages, details } = report;
  try {
    await instance.use(async (backend) => {
      await backend.health(report);
      const groups = await backend.groups.list();
      problems.push(...groupProblems({ groups, ages, maxLagMs, now: Date.now() }));
      if (backlog === undefined) return;
      const furthest = await backend.groups.furthestBehind(backlog.max);
      problems.push(...sendersHeldBack(furthest, backlog.max));
    });
  } catch (error) {
    if (error instanceof QueueError && error.code === "QUEUE_CLOSED") throw error;
    problems.push({
      code: "QUEUE_FAILED",
      severity: "error",
      subject: name,
      message: printable(error instanceof Error ? error.message : error),
      action: "Do what the message says; the queue tries again with the next call.",
    });
  }
  problems.push(...unreadable(instance));
  const ok = problems.every(({ severity }) => severity !== "error");
  return { ok, problems, backend: report.backend, details };
}

function unreadable({ corrupt, kind }: QueueInstance): HealthProblem[] {
  if (corrupt.size === 0) return [];
  const positions = [...corrupt].slice(0, MOST_NAMED).join(", ");
  return [
    {
      code: "EVENTS_UNREADABLE",
      severity: "error",
      subject: kind.name,
      message: `${corrupt.size} events could not be read and were skipped (positions ${positions}).`,
      action: "Find what else writes to this queue or has damaged it: it wasn't this library.",
    },
  ];
}
