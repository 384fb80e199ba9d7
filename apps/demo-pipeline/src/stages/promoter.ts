import { jsonText, modelFile } from "../run-folder.ts";
import type { StageContext } from "./context.ts";
import { effect, work } from "./context.ts";
import { emitOnce } from "./emit.ts";

/** The current champion; `champion.json` in the run folder. */
export interface Champion {
  readonly modelId: string;
  readonly generation: number;
  readonly previousModelId: string;
}

/**
 * Promotion: a candidate that passed its gate becomes champion, once, whatever is delivered twice;
 * every other one is turned away with the gate's reason.
 */
export function registerPromoter(context: StageContext): void {
  const { folder } = context;
  work(context, "promotion", async ({ payload, metadata, id }) => {
    const { configKey, modelId, opponentId, iteration, games, winRate, elo, llr } = payload;
    if (modelId === undefined || opponentId === undefined || iteration === undefined) {
      throw new Error(`Event "${id}" doesn't say who passed against whom.`);
    }
    const shared = {
      stage: "promotion_complete",
      configKey,
      iteration,
      modelId,
      eloDelta: elo,
      winRate,
      games: games ?? 0,
      metadata,
    } as const;
    if (payload.passed !== true) {
      const verdict = metadata["verdict"] === "inconclusive" ? "inconclusive" : "failed";
      const file = `promotions/${iteration}-${modelId}.rejected.json`;
      const rejected = folder.createOnce(file, jsonText({ modelId, iteration, verdict, llr }));
      await emitOnce(context, `${iteration}-${modelId}`, {
        ...shared,
        success: false,
        gate: "sprt",
        threshold: Math.log(19),
        actual: llr ?? 0,
        reason:
          verdict === "inconclusive"
            ? `the gate could not tell it from the champion in ${games} games`
            : `it won ${(winRate * 100).toFixed(0)} % of ${games} gate games`,
      });
      return effect(file, rejected);
    }
    const champion: Champion = { modelId, generation: iteration, previousModelId: opponentId };
    const file = `promotions/${iteration}-${modelId}.json`;
    const promoted = folder.createOnce(file, jsonText(champion));
    // Also when the promotion was found: a kill may have come between it and this file.
    const current = folder.readJson("champion.json") as Champion | undefined;
    if ((current?.generation ?? -1) < iteration)
      folder.replace("champion.json", jsonText(champion));
    await emitOnce(context, `${iteration}-${modelId}`, {
      ...shared,
      success: true,
      elo,
      modelPath: modelFile(modelId),
      checksum: modelId,
      previousModelId: opponentId,
    });
    return effect(file, promoted);
  });
}
