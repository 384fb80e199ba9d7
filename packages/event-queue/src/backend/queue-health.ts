import type { QueueHealth } from "../contract.ts";
import { QueueError } from "../errors.ts";
import type { HealthProblem } from "../health-problem.ts";
import type { BackedQueueSettings } from "./backed-queue-options.ts";
import type { GroupHealth, HealthReport } from "./queue-backend.ts";
import type { QueueInstance } from "./queue-instance.ts";

/** Broken events of which a problem names the positions. */
const MOST_NAMED = 10;

/** Whether the queue can be read and written now. Resolves also when it can't; rejects when it is closed. */
export async function queueHealth(
  instance: QueueInstance,
  settings: BackedQueueSettings,
): Promise<QueueHealth> {
  const { name } = instance.kind;
  const report: HealthReport = { backend: name, problems: [], groups: [], details: {} };
  try {
    await instance.use((backend) => backend.health(report));
  } catch (error) {
    if (error instanceof QueueError && error.code === "QUEUE_CLOSED") throw error;
    report.problems.push({
      code: "QUEUE_FAILED",
      severity: "error",
      subject: name,
      message: error instanceof Error ? error.message : String(error),
      action: "Do what the message says; the queue tries again with the next call.",
    });
  }
  const { backend, details } = report;
  const problems = [
    ...report.problems,
    ...report.groups.flatMap((group) => groupProblems(group, settings)),
    ...unreadable(instance),
  ];
  return { ok: problems.every(({ severity }) => severity !== "error"), problems, backend, details };
}

function groupProblems(
  { name, pending, ageMs = 0, deadLetters }: GroupHealth,
  { maxLagMs, backlog }: BackedQueueSettings,
): HealthProblem[] {
  const problems: HealthProblem[] = [];
  const warn = (problem: Omit<HealthProblem, "severity" | "subject">): unknown =>
    problems.push({ severity: "warning", subject: name, ...problem });
  if (deadLetters > 0) {
    warn({
      code: "DEAD_LETTERS",
      message: `Group "${name}" has given up on ${deadLetters} events.`,
      action: `Look at deadLetters.list({ group: "${name}" }), mend what failed, then redrive or discard them.`,
    });
  }
  if (maxLagMs !== undefined && ageMs > maxLagMs) {
    warn({
      code: "GROUP_LAGS",
      since: Date.now() - (ageMs - maxLagMs),
      message: `The oldest of ${pending} events that group "${name}" has still to settle is ${Math.round(ageMs / 1000)} s old.`,
      action: "Add members, make its handlers faster, or raise maxLagMs.",
    });
  }
  if (backlog !== undefined && pending >= backlog.max) {
    warn({
      code: "SENDERS_HELD_BACK",
      message: `Group "${name}" holds senders back: it has ${pending} events still to settle, and maxBacklog is ${backlog.max}.`,
      action:
        "Add members, or raise maxBacklog; a group that nobody needs can be removed (groups.remove).",
    });
  }
  return problems;
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
