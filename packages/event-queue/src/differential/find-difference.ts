import type { QueueFactory } from "../conformance/suite.ts";
import { Comparison } from "./comparison.ts";
import type { Difference } from "./difference.ts";
import { type Script, showScript } from "./script.ts";
import { SteppedClock } from "./stepped-clock.ts";

/** Plays a script on a fresh queue and on a memory queue; the first difference, if there is one. */
export async function findDifference(
  factory: QueueFactory,
  script: Script,
): Promise<Difference | undefined> {
  const clock = new SteppedClock();
  const speakUp = silenceReports();
  clock.install();
  try {
    const comparison = new Comparison(await factory(), clock, script);
    try {
      return await comparison.play();
    } finally {
      await comparison.end();
    }
  } finally {
    clock.restore();
    speakUp();
  }
}

/** Groups that skip events report it: here that is no news. Gives back what ends the silence. */
function silenceReports(): () => void {
  // oxlint-disable-next-line typescript/unbound-method -- it is put back, and called on process
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    const [options] = rest;
    const isReport =
      typeof options === "object" &&
      options !== null &&
      "code" in options &&
      options.code === "RINGRIFT_QUEUE_ERROR";
    if (!isReport) Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  return () => {
    process.emitWarning = emitWarning;
  };
}

/** A difference, for anyone who has to understand it. */
export function showDifference({ played, where }: Difference): string {
  return `After\n${showScript(played)}\n${where}`;
}
