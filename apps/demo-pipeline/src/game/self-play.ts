import { HexBoard, MAX_SIZE } from "./hex.ts";
import type { Network } from "./ntuple.ts";
import { Position } from "./ntuple.ts";
import { Random } from "./random.ts";

/** The share of self-play moves drawn by lot, so that games differ and mistakes get punished. */
const EXPLORATION = 0.15;

const MAGIC = Buffer.from("RRHEXG1\n");
const EXPLORED = 0x80;

/**
 * Games of one batch. A game is its moves, a byte each: the cell, with the high bit set where the
 * move was drawn by lot. It ends with the winning move, so the winner needs no field of its own.
 */
export interface GameBatch {
  readonly size: number;
  readonly games: readonly Uint8Array[];
}

/** The cell of a recorded move. */
export function moveCell(move: number): number {
  return move & ~EXPLORED;
}

/** Plays a network against itself, a game at a call. The same seed gives the same games. */
export class SelfPlay {
  readonly #board: HexBoard;
  readonly #position: Position;
  readonly #random: Random;
  readonly #empty: Uint8Array;
  readonly #record: Uint8Array;

  constructor(network: Network, seed: string) {
    this.#board = new HexBoard(network.size);
    this.#position = new Position(network);
    this.#random = new Random(`self-play/${seed}`);
    this.#empty = new Uint8Array(this.#board.geometry.cells);
    this.#record = new Uint8Array(this.#board.geometry.cells);
  }

  /** Play one game and return its record. */
  play(): Uint8Array {
    const board = this.#board;
    const position = this.#position;
    board.clear();
    position.clear();
    let moves = 0;
    for (;;) {
      // The first move is always drawn: with good play it decides a small board.
      const explore = moves === 0 || this.#random.unit() < EXPLORATION;
      const cell = explore ? this.#anyMove() : position.bestMove(board, this.#random);
      this.#record[moves++] = explore ? cell | EXPLORED : cell;
      position.place(cell, board.turn);
      if (board.play(cell)) return this.#record.slice(0, moves);
    }
  }

  #anyMove(): number {
    const { stones } = this.#board;
    let count = 0;
    for (let cell = 0; cell < stones.length; cell++) {
      if (stones[cell] === 0) this.#empty[count++] = cell;
    }
    return this.#empty[this.#random.below(count)]!;
  }
}

/** A whole batch at once (blocking): `count` games of `network` against itself. */
export function playBatch(network: Network, seed: string, count: number): GameBatch {
  const selfPlay = new SelfPlay(network, seed);
  return { size: network.size, games: Array.from({ length: count }, () => selfPlay.play()) };
}

/** A batch as bytes: board size, number of games, then each game's length and moves. */
export function serialiseGames(batch: GameBatch): Buffer {
  const head = Buffer.alloc(MAGIC.length + 5);
  MAGIC.copy(head);
  head.writeUInt8(batch.size, MAGIC.length);
  head.writeUInt32LE(batch.games.length, MAGIC.length + 1);
  return Buffer.concat([head, ...batch.games.flatMap((game) => [Buffer.of(game.length), game])]);
}

/** The inverse of {@link serialiseGames}. @throws Error when the bytes are not a whole batch */
export function parseGames(bytes: Uint8Array): GameBatch {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = MAGIC.length + 5;
  if (buffer.length < start || !buffer.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Error(`These ${buffer.length} bytes are not a game file: they lack its first line.`);
  }
  const size = buffer.readUInt8(MAGIC.length);
  if (size < 2 || size > MAX_SIZE)
    throw new Error(`The game file is for a board of size "${size}".`);
  const count = buffer.readUInt32LE(MAGIC.length + 1);
  const games: Uint8Array[] = [];
  let at = start;
  for (let i = 0; i < count && at < buffer.length; i++) {
    const length = buffer[at]!;
    games.push(new Uint8Array(buffer.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  if (games.length !== count || at !== buffer.length) {
    throw new Error(
      `The game file is cut short: ${games.length} of ${count} games; copy it again.`,
    );
  }
  return { size, games };
}

/** Whether a record is a legal game that ends with a win and not before. */
export function isValidGame(board: HexBoard, game: Uint8Array): boolean {
  board.clear();
  for (let i = 0; i < game.length; i++) {
    const cell = moveCell(game[i]!);
    if (cell >= board.stones.length || board.stones[cell] !== 0) return false;
    const won = board.play(cell);
    if (won !== (i === game.length - 1)) return false;
  }
  return game.length > 0;
}
