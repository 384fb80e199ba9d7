import type { EventBus } from "@ringrift/core-bus";
import type { DemoTopics } from "../stages/context.ts";

/** How a gate went, as the progress display shows it. */
export interface GateView {
  readonly generation: number;
  readonly verdict: string;
  readonly winRate: number;
  readonly pairs: number;
  readonly drill: boolean;
}

/** What the launcher's bus has told of the run so far. */
export class RunView {
  phase: "starting" | "playing" | "finishing" | "rating" | "draining" | "done" = "starting";
  /** 0 to 1. */
  progress = 0;
  games = 0;
  batches = 0;
  synced = 0;
  quality = 1;
  generation = 0;
  training = "";
  gate: GateView | undefined;
  promotions = 0;
  rejections = 0;
  champion = 0;
  ratings = 0;
  ratingsExpected = 0;
  events = 0;
  readonly startedAt: number = performance.now();

  /** Seconds since the run began. */
  get elapsed(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  /** Follow the run on the launcher's own bus; `onMilestone` gets a line worth printing. */
  follow(bus: EventBus<DemoTopics>, onMilestone: (line: string) => void): void {
    bus.subscribe("**", () => {
      this.events++;
    });
    bus.subscribe("data.new_games", ({ payload }) => {
      this.batches++;
      this.games += payload.count;
    });
    bus.subscribe("data.sync_completed", ({ payload }) => {
      this.synced++;
      this.quality = payload.quality ?? 1;
    });
    bus.subscribe("training.started", ({ payload }) => {
      this.generation = payload.iteration ?? 0;
      this.training = `generation ${this.generation} …`;
    });
    bus.subscribe("training.completed", ({ payload, metadata }) => {
      const drill = metadata["drill"] === true ? ", labels flipped: the drill" : "";
      const loss = (payload.metrics["loss"] ?? 0).toFixed(3);
      const seconds = ((payload.durationMs ?? 0) / 1000).toFixed(2);
      this.training = `generation ${payload.iteration}: loss ${loss} in ${seconds} s${drill}`;
    });
    bus.subscribe("evaluation.completed", ({ payload, metadata }) => {
      const pairs = (payload.games ?? 0) / 2;
      this.gate = {
        generation: payload.iteration ?? 0,
        verdict: String(metadata["verdict"]),
        winRate: payload.winRate,
        pairs,
        drill: metadata["drill"] === true,
      };
    });
    bus.subscribe("model.promoted", ({ payload }) => {
      this.promotions++;
      this.champion = payload.iteration ?? 0;
      const won = `won ${percent(payload.winRate)} of ${payload.games} games`;
      onMilestone(
        `generation ${payload.iteration} promoted: ${won} (${payload.modelId.slice(0, 8)})`,
      );
    });
    bus.subscribe("promotion.rejected", ({ payload, metadata }) => {
      this.rejections++;
      const drill = metadata["drill"] === true ? " (the drill: its labels had been flipped)" : "";
      onMilestone(`generation ${payload.iteration} turned away: ${payload.reason}${drill}`);
    });
    bus.subscribe("rating.completed", () => {
      this.ratings++;
    });
  }
}

/** A share as a percentage without decimals. */
export function percent(share: number | undefined): string {
  return `${Math.round((share ?? 0) * 100)} %`;
}
