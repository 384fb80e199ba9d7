import type { Rated, RatingRequested, SelfplayRequested } from "./catalogue.ts";
import type { RunSettings } from "./stages/context.ts";

/** The jobs of a generation: who plays is the champion at that time, each job has a seed of its own. */
export function generationJobs(
  run: RunSettings,
  generation: number,
  modelId: string,
): SelfplayRequested[] {
  const { gamesPerGeneration, gamesPerBatch } = run.preset;
  const batches = Math.ceil(gamesPerGeneration / gamesPerBatch);
  return Array.from({ length: batches }, (_, i) => ({
    jobId: `${pad(generation)}-${i + 1}`,
    configKey: run.configKey,
    iteration: generation,
    modelId,
    games: Math.min(gamesPerBatch, gamesPerGeneration - i * gamesPerBatch),
    seed: `${run.seed}/${generation}/${i + 1}`,
  }));
}

/** A champion of the run: generation 0 or a promoted one. */
export interface ChampionRecord {
  readonly generation: number;
  readonly modelId: string;
}

/** Most champions on the Elo curve. */
const MOST_CHECKPOINTS = 9;
const YARDSTICKS = [50, 200, 800] as const;
const PAIRS_BETWEEN_MODELS = 60;
const PAIRS_WITH_YARDSTICK = 24;

/** The champions that are rated: the first, the last, and others at even distances between. */
export function checkpoints(champions: readonly ChampionRecord[]): ChampionRecord[] {
  const count = Math.min(MOST_CHECKPOINTS, champions.length);
  const at = Array.from({ length: count }, (_, i) =>
    count === 1 ? 0 : Math.round((i * (champions.length - 1)) / (count - 1)),
  );
  return at.map((i) => champions[i]!);
}

/** Name of a champion among the rated players. */
export function championName(generation: number): string {
  return `g${generation}`;
}

/** Name of a yardstick among the rated players. */
function yardstickName(playouts: number): string {
  return `UCT-${playouts}`;
}

/**
 * The meetings that the Elo fit is made of: every checkpoint against all earlier ones and against
 * the yardsticks. The dearest come first, so that no worker ends long after the others.
 */
export function ratingJobs(run: RunSettings, rated: readonly ChampionRecord[]): RatingRequested[] {
  const models: Rated[] = rated.map(({ generation, modelId }) => ({
    name: championName(generation),
    modelId,
  }));
  const meet = (a: Rated, b: Rated, pairs: number): RatingRequested => ({
    jobId: `${a.name}-${b.name}`,
    configKey: run.configKey,
    a,
    b,
    pairs,
    seed: `${run.seed}/rating/${a.name}/${b.name}`,
  });
  const withYardsticks = YARDSTICKS.toReversed().flatMap((playouts) =>
    models.map((model) =>
      meet(model, { name: yardstickName(playouts), playouts }, PAIRS_WITH_YARDSTICK),
    ),
  );
  const amongModels = models.flatMap((model, i) =>
    models.slice(0, i).map((earlier) => meet(model, earlier, PAIRS_BETWEEN_MODELS)),
  );
  return [...withYardsticks, ...amongModels];
}

function pad(generation: number): string {
  return String(generation).padStart(4, "0");
}
