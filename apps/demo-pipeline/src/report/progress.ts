import { styleText } from "node:util";
import type { RunView } from "./view.ts";
import { percent } from "./view.ts";

const BAR_CELLS = 32;
const FRAME_MS = 120;

/** Where progress is shown: on a terminal a block that is redrawn, elsewhere a plain line a milestone. */
export interface Progress {
  /** A line worth keeping. */
  milestone(line: string): void;
  /** Take the display away; nothing is drawn afterwards. */
  stop(): void;
}

/** Show a run's progress on a stream (normally stderr: stdout is for the report). */
export function showProgress(view: RunView, stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? new LiveProgress(view, stream) : new PlainProgress(view, stream);
}

class PlainProgress implements Progress {
  readonly #view: RunView;
  readonly #stream: NodeJS.WriteStream;

  constructor(view: RunView, stream: NodeJS.WriteStream) {
    this.#view = view;
    this.#stream = stream;
  }

  milestone(line: string): void {
    this.#stream.write(`${this.#view.elapsed.toFixed(1).padStart(6)} s  ${line}\n`);
  }

  stop(): void {}
}

class LiveProgress implements Progress {
  readonly #view: RunView;
  readonly #stream: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;
  readonly #milestones: string[] = [];
  #drawn = 0;

  constructor(view: RunView, stream: NodeJS.WriteStream) {
    this.#view = view;
    this.#stream = stream;
    this.#timer = setInterval(() => this.#draw(), FRAME_MS);
    this.#timer.unref();
  }

  milestone(line: string): void {
    this.#milestones.push(`${this.#view.elapsed.toFixed(1).padStart(6)} s  ${line}`);
    if (this.#milestones.length > 4) this.#milestones.shift();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#erase();
  }

  #draw(): void {
    this.#erase();
    const width = Math.max(40, this.#stream.columns);
    const lines = this.#lines().map((line) =>
      line.length < width ? line : line.slice(0, width - 1),
    );
    this.#drawn = lines.length;
    const [bar = "", ...rest] = lines;
    this.#stream.write(`${styleText("cyan", bar, { stream: this.#stream })}\n${rest.join("\n")}\n`);
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    this.#stream.moveCursor(0, -this.#drawn);
    this.#stream.cursorTo(0);
    this.#stream.clearScreenDown();
    this.#drawn = 0;
  }

  #lines(): string[] {
    const view = this.#view;
    const full = Math.round(Math.min(1, view.progress) * BAR_CELLS);
    const bar = "█".repeat(full) + "░".repeat(BAR_CELLS - full);
    const { gate } = view;
    const speed = Math.round(view.games / Math.max(1, view.elapsed));
    return [
      `${bar} ${view.phase}, ${view.elapsed.toFixed(0)} s, ${view.events} events`,
      `self-play   ${view.games} games in ${view.batches} batches, ${speed} games/s`,
      `sync        ${view.synced} batches copied, quality ${percent(view.quality)}`,
      `training    ${view.training}`,
      `evaluation  ${
        gate === undefined
          ? ""
          : `generation ${gate.generation}: ${gate.verdict}, won ${percent(gate.winRate)} of ${gate.pairs} pairs`
      }`,
      `promotion   ${view.promotions} promoted, ${view.rejections} turned away; champion: generation ${view.champion}`,
      ...(view.phase === "rating"
        ? [`rating      ${view.ratings} of ${view.ratingsExpected} meetings played`]
        : []),
      ...this.#milestones,
    ];
  }
}
