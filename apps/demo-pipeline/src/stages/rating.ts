import type { Rated, RatingCompleted } from "../catalogue.ts";
import { Match, networkPlayer, uctPlayer } from "../game/index.ts";
import type { HexPlayer } from "../game/index.ts";
import { Pace } from "../pace.ts";
import { jsonText } from "../run-folder.ts";
import type { StageContext } from "./context.ts";
import { effect, work } from "./context.ts";
import type { ModelCache } from "./models.ts";

/** Rating: the workers' second job, when the play is over: meetings for the Elo fit. */
export function registerRating(context: StageContext, models: ModelCache): void {
  const playerOf = (rated: Rated): HexPlayer =>
    "modelId" in rated
      ? networkPlayer(models.get(rated.modelId))
      : uctPlayer(context.run.size, rated.playouts);

  work(context, "rating", async ({ payload }, { signal }) => {
    const { jobId, a, b, pairs, seed } = payload;
    const file = `ratings/${jobId}.json`;
    let result = context.folder.readJson(file) as RatingCompleted | undefined;
    let played = false;
    if (result === undefined) {
      const match = new Match(context.run.size, playerOf(a), playerOf(b), seed);
      const pace = new Pace(signal);
      const counts: [number, number, number] = [0, 0, 0];
      for (let i = 0; i < pairs; i++) {
        const steps = match.pair();
        let step = steps.next();
        for (; step.done !== true; step = steps.next()) await pace.breathe();
        counts[step.value]++;
      }
      const [none, one, both] = counts;
      result = { jobId, a: a.name, b: b.name, none, one, both };
      played = context.folder.createOnce(file, jsonText(result));
    }
    await context.events.publish("rating.completed", result, {
      dedupeKey: `${context.run.runId}/rated/${jobId}`,
    });
    return effect(file, played);
  });
}
