import { BLUE, HexBoard, RED, hexGeometry } from "./hex.ts";
import type { Network } from "./ntuple.ts";
import { Position } from "./ntuple.ts";
import { Random } from "./random.ts";
import { UctSearch } from "./uct.ts";

/** Somebody who plays Hex. `start` and `see` are called for every game and stone of either side. */
export interface HexPlayer {
  start(): void;
  see(cell: number, player: typeof RED | typeof BLUE): void;
  choose(board: HexBoard, random: Random): number;
}

/** The player that takes the network's best move, looking one move ahead. */
export function networkPlayer(network: Network): HexPlayer {
  const position = new Position(network);
  return {
    start: () => position.clear(),
    see: (cell, player) => position.place(cell, player),
    choose: (board, random) => position.bestMove(board, random),
  };
}

/** A fixed yardstick of `playouts` UCT playouts a move. */
export function uctPlayer(size: number, playouts: number): HexPlayer {
  const search = new UctSearch(hexGeometry(size), playouts);
  return {
    start: () => {},
    see: () => {},
    choose: (board, random) => search.bestMove(board, random),
  };
}

/** A fixed yardstick that draws its moves by lot. */
export function randomPlayer(): HexPlayer {
  return {
    start: () => {},
    see: () => {},
    choose: ({ stones, moves }, random) => {
      let skip = random.below(stones.length - moves);
      for (let cell = 0; ; cell++) if (stones[cell] === 0 && skip-- === 0) return cell;
    },
  };
}

/**
 * Two players meeting in pairs of games: both games of a pair begin with the same two random
 * stones, with colours swapped, so that neither the opening nor the first move's advantage counts.
 * A pair is the unit of every statistic here.
 */
export class Match {
  readonly #board: HexBoard;
  readonly #random: Random;
  readonly #first: HexPlayer;
  readonly #second: HexPlayer;

  constructor(size: number, first: HexPlayer, second: HexPlayer, seed: string) {
    this.#board = new HexBoard(size);
    this.#random = new Random(`match/${seed}`);
    this.#first = first;
    this.#second = second;
  }

  /** Play a pair; how many of its two games `first` won. */
  playPair(): 0 | 1 | 2 {
    const steps = this.pair();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same a move at a time, for players that think long: gives way after every move. */
  *pair(): Generator<void, 0 | 1 | 2> {
    const cells = this.#board.stones.length;
    const a = this.#random.below(cells);
    const b = (a + 1 + this.#random.below(cells - 1)) % cells;
    const asRed = (yield* this.#game(this.#first, this.#second, a, b)) === RED ? 1 : 0;
    const asBlue = (yield* this.#game(this.#second, this.#first, a, b)) === BLUE ? 1 : 0;
    return (asRed + asBlue) as 0 | 1 | 2;
  }

  *#game(
    red: HexPlayer,
    blue: HexPlayer,
    a: number,
    b: number,
  ): Generator<void, typeof RED | typeof BLUE> {
    const board = this.#board;
    board.clear();
    red.start();
    blue.start();
    for (;;) {
      const player = board.turn;
      const mover = player === RED ? red : blue;
      const cell =
        board.moves === 0 ? a : board.moves === 1 ? b : mover.choose(board, this.#random);
      red.see(cell, player);
      blue.see(cell, player);
      if (board.play(cell)) return player;
      yield;
    }
  }
}
