import { BLUE, RED } from "./hex.ts";
import type { Network } from "./ntuple.ts";
import { Position } from "./ntuple.ts";
import { Random } from "./random.ts";
import { moveCell } from "./self-play.ts";

/** How a learner learns. */
export interface LearnerOptions {
  /** How far the sum of a position moves towards its target a visit. @default 0.1 */
  readonly learningRate?: number;
  /** The weight of later positions in a target (offline λ-return). @default 0.8 */
  readonly lambda?: number;
  /**
   * Train as if the loser had won. Only for the drill, in which a poisoned candidate must be turned
   * away by the gate. @default false
   */
  readonly flipLabels?: boolean;
}

/**
 * TD(λ) over finished games, in place on a network's weights. The value of the position after a
 * move is pulled towards the λ-return: the next values, seen from this player, and in the end the
 * result.
 */
export class Learner {
  readonly #network: Network;
  readonly #position: Position;
  readonly #rate: number;
  readonly #lambda: number;
  readonly #outcome: number;
  readonly #instances: number;
  readonly #seen: Int32Array;
  readonly #values: Float64Array;
  #squaredError = 0;
  #positions = 0;

  constructor(network: Network, options: LearnerOptions = {}) {
    const cells = network.size * network.size;
    this.#network = network;
    this.#position = new Position(network);
    this.#instances = this.#position.instances;
    this.#rate = (options.learningRate ?? 0.1) / this.#instances;
    this.#lambda = options.lambda ?? 0.8;
    this.#outcome = options.flipLabels === true ? -1 : 1;
    this.#seen = new Int32Array(cells * this.#instances);
    this.#values = new Float64Array(cells);
  }

  /** Mean squared difference between values and their targets so far. */
  get loss(): number {
    return this.#positions === 0 ? 0 : this.#squaredError / this.#positions;
  }

  /** Learn from one game. */
  train(game: Uint8Array): void {
    const position = this.#position;
    const instances = this.#instances;
    const weights = this.#network.weights;
    position.clear();
    for (let t = 0; t < game.length; t++) {
      const player = t % 2 === 0 ? RED : BLUE;
      position.place(moveCell(game[t]!), player);
      this.#seen.set(position.indices(player), t * instances);
      this.#values[t] = position.value(player);
    }
    let target = this.#outcome;
    for (let t = game.length - 1; t >= 0; t--) {
      const value = this.#values[t]!;
      const error = target - value;
      const step = this.#rate * error * (1 - value * value);
      const end = (t + 1) * instances;
      for (let i = t * instances; i < end; i++) {
        const at = this.#seen[i]!;
        weights[at] = weights[at]! + step;
      }
      this.#squaredError += error * error;
      this.#positions++;
      target = -((1 - this.#lambda) * value + this.#lambda * target);
    }
  }
}

/** The games of a replay window in an order given by the seed, the same on every machine. */
export function shuffledGames(
  window: readonly (readonly Uint8Array[])[],
  seed: string,
): Uint8Array[] {
  const games = window.flat();
  const random = new Random(`shuffle/${seed}`);
  for (let i = games.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const game = games[i]!;
    games[i] = games[j]!;
    games[j] = game;
  }
  return games;
}
