import { SelfPlay, serialiseGames } from "../game/index.ts";
import { Pace } from "../pace.ts";
import { sha256 } from "../run-folder.ts";
import type { StageContext } from "./context.ts";
import { effect, work } from "./context.ts";
import { emitOnce } from "./emit.ts";
import type { ModelCache } from "./models.ts";

/**
 * Self-play: take a job, play its games, write them to a file, and tell. A job's seed decides its
 * games, so a job that is played twice (its worker was killed) gives the same file.
 */
export function registerSelfplay(context: StageContext, models: ModelCache): void {
  work(context, "selfplay", async ({ payload }, { signal }) => {
    const { jobId, configKey, iteration, modelId, games: count, seed } = payload;
    const began = performance.now();
    const network = models.get(modelId);
    const selfPlay = new SelfPlay(network, seed);
    const pace = new Pace(signal);
    const games: Uint8Array[] = [];
    while (games.length < count) {
      games.push(selfPlay.play());
      await pace.breathe();
    }
    const content = serialiseGames({ size: network.size, games });
    const path = `games/${jobId}.games`;
    const written = context.folder.createOnce(path, content);
    await emitOnce(context, jobId, {
      stage: "selfplay_complete",
      success: true,
      configKey,
      iteration,
      jobId,
      modelId,
      count,
      source: context.node,
      files: [{ path, sha256: sha256(content), bytes: content.length, games: count }],
      durationMs: Math.round(performance.now() - began),
    });
    return effect(`games/${jobId}`, written);
  });

  // Every worker is told of a new champion and has it ready before the first job names it.
  context.events.bus.subscribe("model.promoted", ({ payload }) => {
    models.get(payload.modelId);
  });
}
