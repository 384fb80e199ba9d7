import type { QueueFactory, QueueFixture } from "../conformance/harness/suite.ts";
import { Comparison } from "./judge/comparison.ts";
import type { Difference } from "./judge/difference.ts";
import { type Script, showScript } from "./script/script.ts";
import type { ScriptClock } from "./clocks/script-clock.ts";
import { SteppedClock } from "./clocks/stepped-clock.ts";

/** A script whose outcome is open, as the machine was too slow for its time, is played so often; then nothing is said of it. */
const MOST_TRIES = 6;

/** How a script is played. */
export interface Playing {
  /** @default stepped ones */
  readonly makeClock?: ((script: Script) => ScriptClock) | undefined;
  /** Where ids of the queue count. @default "log" */
  readonly idsCountWithin?: "log" | "type" | undefined;
  /** Told of a script of which nothing can be said. */
  readonly onUnsure?: (() => void) | undefined;
}

/** Plays a script on a fresh queue and on a memory queue; the first difference, if there is one. */
export async function findDifference(
  factory: QueueFactory,
  script: Script,
  { makeClock = () => new SteppedClock(), idsCountWithin = "log", onUnsure }: Playing = {},
): Promise<Difference | undefined> {
  for (let tries = 1; ; tries += 1) {
    const clock = makeClock(script);
    const play = (fixture: QueueFixture): Comparison =>
      new Comparison(fixture, script, { clock, idsCountWithin });
    const { difference, isUnsure } = await playOnce(factory, clock, play);
    if (!isUnsure) return difference;
    if (tries < MOST_TRIES) continue;
    onUnsure?.();
    return undefined;
  }
}

async function playOnce(
  factory: QueueFactory,
  clock: ScriptClock,
  play: (fixture: QueueFixture) => Comparison,
): Promise<{ readonly difference: Difference | undefined; readonly isUnsure: boolean }> {
  clock.install();
  try {
    const comparison = play(await factory());
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
