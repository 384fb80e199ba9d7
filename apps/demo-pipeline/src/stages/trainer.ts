import type { FileRef } from "../catalogue.ts";
import {
  Learner,
  cloneNetwork,
  modelId as idOf,
  parseGames,
  serialiseNetwork,
  shuffledGames,
} from "../game/index.ts";
import { Pace } from "../pace.ts";
import { jsonText, modelFile } from "../run-folder.ts";
import type { Done, StageContext } from "./context.ts";
import { effect, work } from "./context.ts";
import { emitOnce } from "./emit.ts";
import { ModelCache } from "./models.ts";

/** What the trainer knows; written before it acks, so that a new process goes on from there. */
export interface TrainerState {
  /** Games of each generation, as sync told of them. */
  readonly games: Record<number, FileRef[]>;
  /** The champion that the last gate left, and that gate's generation. */
  champion: { readonly modelId: string; readonly generation: number };
  /** The last generation that was trained. */
  trained: number;
}

const STATE = "state/trainer.json";

/**
 * Training: generation n is trained when all its games are synced and gate n − 1 has spoken. It
 * starts from the champion and learns from the games of the last generations. Which of the two
 * conditions comes last doesn't matter: each is an event that this group handles.
 */
export function registerTrainer(context: StageContext): void {
  const { folder, run } = context;
  const models = new ModelCache(folder);
  const state: TrainerState = (folder.readJson(STATE) as TrainerState | undefined) ?? {
    games: {},
    champion: { modelId: run.firstModelId, generation: 0 },
    trained: 0,
  };

  work(context, "training", async (event, { signal }) => {
    const generation = event.payload.iteration;
    if (generation === undefined) throw new Error(`Event "${event.id}" has no iteration.`);
    let done: Done = { outcome: "noted" };
    if (event.topic === "data.sync_completed")
      addGames(state, generation, event.payload.files ?? []);
    else if (generation > state.champion.generation) {
      const promoted = event.topic === "model.promoted";
      const modelId = promoted ? event.payload.modelId : state.champion.modelId;
      state.champion = { modelId, generation };
    }
    const next = state.trained + 1;
    if (state.champion.generation === next - 1 && isComplete(context, state, next)) {
      done = await train(context, state, models, next, signal);
      state.trained = next;
    }
    folder.replace(STATE, jsonText(state));
    return done;
  });
}

async function train(
  context: StageContext,
  state: TrainerState,
  models: ModelCache,
  generation: number,
  signal: AbortSignal,
): Promise<Done> {
  const { folder, run } = context;
  const { preset, configKey } = run;
  const { modelId: parentModelId } = state.champion;
  const drill = generation === preset.drillGeneration;
  // Told first: from here on the workers play the next generation, while this one is trained.
  await emitOnce(context, `${generation}`, {
    stage: "training_started",
    success: true,
    configKey,
    iteration: generation,
    modelVersion: parentModelId,
    games: preset.gamesPerGeneration,
  });
  const began = performance.now();
  const pace = new Pace(signal);
  const window: (readonly Uint8Array[])[] = [];
  for (let g = Math.max(1, generation - preset.replayWindow + 1); g <= generation; g++) {
    for (const file of inOrder(state.games[g] ?? [])) {
      window.push(parseGames(folder.readChecked(file)).games);
      await pace.breathe();
    }
  }
  const network = cloneNetwork(models.get(parentModelId));
  const learner = new Learner(network, {
    learningRate: preset.learningRate,
    lambda: preset.lambda,
    flipLabels: drill,
  });
  const games = shuffledGames(window, `${run.seed}/${generation}`);
  for (const game of games) {
    learner.train(game);
    await pace.breathe();
  }
  const content = serialiseNetwork(network);
  const modelId = idOf(content);
  const written = folder.createOnce(modelFile(modelId), content);
  await emitOnce(context, `${generation}`, {
    stage: "training_complete",
    success: true,
    configKey,
    iteration: generation,
    modelId,
    modelPath: modelFile(modelId),
    checksum: modelId,
    parentModelId,
    games: games.length,
    metrics: { loss: learner.loss },
    metadata: { drill },
    durationMs: Math.round(performance.now() - began),
  });
  return effect(`model/${generation}/${modelId}`, written);
}

function isComplete({ run }: StageContext, state: TrainerState, generation: number): boolean {
  const { gamesPerGeneration, gamesPerBatch } = run.preset;
  return (state.games[generation] ?? []).length === Math.ceil(gamesPerGeneration / gamesPerBatch);
}

/** Add files to a generation; one that is there already (a redelivery) is not added again. */
function addGames(state: TrainerState, generation: number, files: readonly FileRef[]): void {
  const known = (state.games[generation] ??= []);
  for (const file of files) {
    if (!known.some(({ path }) => path === file.path)) known.push(file);
  }
}

/** By name, not by arrival: who was faster must not decide what is learned. */
function inOrder(files: readonly FileRef[]): FileRef[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
