import type { RunLimit } from "./options.ts";
import type { RunView } from "./report/view.ts";
import { generationJobs } from "./schedule.ts";
import type { ChampionRecord } from "./schedule.ts";
import type { StageContext } from "./stages/context.ts";
import { effect, work } from "./stages/context.ts";

/**
 * Asks for games, a generation at a time: when the training of one begins, the jobs of the next go
 * out, so that playing, training and judging overlap. Which champion plays is decided by the events
 * alone, never by who was faster: the same seed gives the same run. When the limit is reached it asks
 * for no more, and the play is finished when the last generation has its verdict.
 */
export class Play {
  readonly #context: StageContext;
  readonly #limit: RunLimit;
  readonly #view: RunView;
  readonly #finished = Promise.withResolvers<void>();
  readonly #champions: ChampionRecord[];
  #startedAt = 0;
  #lastGeneration: number | undefined;
  #judged = 0;

  constructor(context: StageContext, limit: RunLimit, view: RunView) {
    this.#context = context;
    this.#limit = limit;
    this.#view = view;
    this.#champions = [{ generation: 0, modelId: context.run.firstModelId }];
    work(context, "schedule", async ({ payload: { iteration = 0, modelVersion } }) => {
      if (this.#isOver(iteration)) {
        this.#lastGeneration = iteration;
        this.#view.phase = "finishing";
        this.#checkFinished();
        return { outcome: "noted" };
      }
      return effect(`jobs/${iteration + 1}`, await this.#request(iteration + 1, modelVersion));
    });
    const { bus } = context.events;
    bus.subscribe("model.promoted", ({ payload: { modelId, iteration = 0 } }) => {
      this.#champions.push({ generation: iteration, modelId });
      this.#judge(iteration);
    });
    bus.subscribe("promotion.rejected", ({ payload: { iteration = 0 } }) => this.#judge(iteration));
  }

  /** Ask for the first generation's games. The clock of a time limit starts here. */
  async begin(): Promise<void> {
    this.#startedAt = performance.now();
    await this.#request(1, this.#context.run.firstModelId);
  }

  /** Resolves when the last generation has its verdict. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Generation 0 and every one promoted so far. */
  get champions(): readonly ChampionRecord[] {
    return this.#champions;
  }

  #isOver(generation: number): boolean {
    const limit = this.#limit;
    if ("generations" in limit) return generation >= limit.generations;
    return performance.now() - this.#startedAt >= limit.seconds * 1000;
  }

  async #request(generation: number, modelId: string): Promise<boolean> {
    const { events, run } = this.#context;
    const receipts = await Promise.all(
      generationJobs(run, generation, modelId).map((job) =>
        // The key makes asking twice harmless: the second time finds the first one's events.
        events.publish("selfplay.requested", job, { dedupeKey: `${run.runId}/${job.jobId}` }),
      ),
    );
    return receipts.some(({ duplicate }) => !duplicate);
  }

  #judge(generation: number): void {
    this.#judged = Math.max(this.#judged, generation);
    const limit = this.#limit;
    this.#view.progress =
      "generations" in limit
        ? this.#judged / limit.generations
        : (performance.now() - this.#startedAt) / 1000 / limit.seconds;
    this.#checkFinished();
  }

  #checkFinished(): void {
    if (this.#lastGeneration === this.#judged) this.#finished.resolve();
  }
}
