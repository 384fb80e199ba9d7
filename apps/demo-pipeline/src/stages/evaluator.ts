import { Match, Sprt, eloOfScore, networkPlayer } from "../game/index.ts";
import type { SprtVerdict } from "../game/index.ts";
import { Pace } from "../pace.ts";
import { jsonText } from "../run-folder.ts";
import type { StageContext } from "./context.ts";
import { effect, work } from "./context.ts";
import { emitOnce } from "./emit.ts";
import { ModelCache } from "./models.ts";

/** What a gate found; `gates/<candidate>.json` in the run folder. */
export interface GateResult {
  readonly generation: number;
  readonly candidate: string;
  readonly champion: string;
  readonly verdict: Exclude<SprtVerdict, "running">;
  readonly pairs: number;
  readonly won: number;
  readonly score: number;
  readonly llr: number;
  /** Trained on flipped labels on purpose. */
  readonly drill: boolean;
}

/**
 * Evaluation: candidate against champion in colour-swapped pairs until SPRT is sure. The result is
 * kept under the candidate's name: an event that comes again finds it instead of playing again.
 */
export function registerEvaluator(context: StageContext): void {
  const models = new ModelCache(context.folder);
  work(context, "evaluation", async ({ payload, metadata, id }, { signal }) => {
    const { modelId, parentModelId, iteration } = payload;
    if (modelId === undefined || parentModelId === undefined || iteration === undefined) {
      throw new Error(`Event "${id}" doesn't say who is to meet whom.`);
    }
    const began = performance.now();
    const drill = metadata["drill"] === true;
    const gateFile = `gates/${iteration}-${modelId}.json`;
    let gate = context.folder.readJson(gateFile) as GateResult | undefined;
    let played = false;
    if (gate === undefined) {
      gate = await playGate(context, models, {
        generation: iteration,
        candidate: modelId,
        champion: parentModelId,
        drill,
        signal,
      });
      played = context.folder.createOnce(gateFile, jsonText(gate));
    }
    const { verdict, pairs, won, score, llr } = gate;
    await emitOnce(context, `${iteration}-${modelId}`, {
      stage: "evaluation_complete",
      success: true,
      configKey: payload.configKey,
      iteration,
      modelId,
      modelPath: payload.modelPath,
      checksum: modelId,
      opponentId: parentModelId,
      elo: Math.round(eloOfScore(score, pairs * 2)),
      winRate: score,
      games: pairs * 2,
      wins: won,
      losses: pairs * 2 - won,
      draws: 0,
      passed: verdict === "passed",
      llr,
      metadata: { verdict, pairs, drill },
      durationMs: Math.round(performance.now() - began),
    });
    return effect(gateFile, played);
  });
}

async function playGate(
  { run }: StageContext,
  models: ModelCache,
  gate: {
    readonly generation: number;
    readonly candidate: string;
    readonly champion: string;
    readonly drill: boolean;
    readonly signal: AbortSignal;
  },
): Promise<GateResult> {
  const { generation, candidate, champion, drill, signal } = gate;
  const match = new Match(
    run.size,
    networkPlayer(models.get(candidate)),
    networkPlayer(models.get(champion)),
    `${run.seed}/gate/${generation}`,
  );
  const sprt = new Sprt();
  const pace = new Pace(signal);
  let won = 0;
  let verdict = sprt.verdict;
  while (verdict === "running") {
    const pair = match.playPair();
    won += pair;
    sprt.add(pair);
    verdict = sprt.verdict;
    await pace.breathe();
  }
  const { pairs, score, llr } = sprt;
  return { generation, candidate, champion, verdict, pairs, won, score, llr, drill };
}
