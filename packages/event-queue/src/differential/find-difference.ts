import type { QueueFactory } from "../conformance/harness/suite.ts";
import { Comparison } from "./judge/comparison.ts";
import type { Difference } from "./judge/difference.ts";
import { type Script, showScript } from "./script/script.ts";
import type { ScriptClock } from "./clocks/script-clock.ts";
import { SteppedClock } from "./clocks/stepped-clock.ts";

/** A script whose outcome is open, as the machine was too slow for its time, is played so often. */
const MOST_TRIES = 6;

/** Plays a script on a fresh queue and on a memory queue; the first difference, if there is one. */
export async function findDifference(
  factory: QueueFactory,
  script: Script,
  makeClock: () => ScriptClock = () => new SteppedClock(),
): Promise<Difference | undefined> {
  for (let tries = 1; ; tries += 1) {
    const clock = makeClock();
    const { difference, isUnsure } = await playOnce(factory, script, clock);
    if (!isUnsure || tries === MOST_TRIES) return difference;
  }
}

async function playOnce(
  factory: QueueFactory,
  script: Script,
  clock: ScriptClock,
): Promise<{ readonly difference: Difference | undefined; readonly isUnsure: boolean }> {
  clock.install();
  try {
    const comparison = new Comparison(await factory(), clock, script);
    try {
      const difference = await comparison.play();
      return { difference, isUnsure: clock.isUnsure };
    } finally {
      await comparison.end();
    }
  } finally {
    clock.restore();
  }
}

/** A difference, for anyone who has to understand it. */
export function showDifference({ played, where }: Difference): string {
  return `After\n${showScript(played)}\n${where}`;
}
