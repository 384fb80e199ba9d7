import { launch } from "./launcher.ts";
import { parseOptions } from "./options.ts";
import { showProgress } from "./report/progress.ts";
import { reportText } from "./report/text.ts";
import { RunView } from "./report/view.ts";

/** Exit codes: the proof holds, it doesn't, wrong usage, interrupted. */
const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args);
  if (parsed.kind === "help") {
    console.log(parsed.text);
    return EXIT.ok;
  }
  if (parsed.kind === "usage") {
    console.error(parsed.message);
    return EXIT.usage;
  }
  const { options } = parsed;
  const interrupt = new AbortController();
  let force: (() => void) | undefined;
  const onSignal = (): void => {
    if (interrupt.signal.aborted) {
      force?.();
      process.exit(EXIT.interrupted);
    }
    console.error("\nStopping all processes; press Ctrl-C again to end them at once.");
    interrupt.abort(new Error("Interrupted."));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);

  const view = new RunView();
  const progress = showProgress(view, process.stderr);
  try {
    const { report, folder, problem } = await launch({
      options,
      view,
      progress,
      signal: interrupt.signal,
      onForce: (kill) => {
        force = kill;
      },
    });
    progress.stop();
    console.log(reportText(report));
    console.log(`\nEverything is in ${folder} (report.json, ledgers, models, the queue)`);
    if (problem !== undefined) console.error(`\nThe run did not reach its end: ${problem.message}`);
    return report.ok && problem === undefined ? EXIT.ok : EXIT.failed;
  } catch (error) {
    progress.stop();
    if (interrupt.signal.aborted) {
      console.error("Interrupted; all processes have ended.");
      return EXIT.interrupted;
    }
    console.error(error instanceof Error ? error.message : error);
    return EXIT.failed;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}
