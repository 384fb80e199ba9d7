import { printable } from "@ringrift/envelope";
import type { HealthProblem } from "@ringrift/event-queue";

/** Nothing is bridged. */
export function notStarted(node: string): HealthProblem {
  return {
    code: "NOT_STARTED",
    severity: "error",
    subject: node,
    message: "The coordinator is not started.",
    action: "Call start().",
  };
}

/** The queue doesn't take what this node publishes. */
export function spooled(node: string, waiting: number): HealthProblem {
  return {
    code: "EVENTS_SPOOLED",
    severity: "error",
    subject: node,
    message: `${waiting} events wait in memory to be stored.`,
    action: "See the queue's problems; they are stored in order as soon as it takes them.",
  };
}

/** The problem with its texts as they may be printed: errors and names of others are in them. */
export function shown(problem: HealthProblem): HealthProblem {
  return { ...problem, subject: printable(problem.subject), message: printable(problem.message) };
}
