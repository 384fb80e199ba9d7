import type { HexBoard, HexGeometry } from "./hex.ts";
import { RED, winnerOfFull } from "./hex.ts";
import type { Player } from "./hex.ts";
import type { Random } from "./random.ts";

const EXPLORATION = 0.9;

/**
 * A small UCT search, used as a fixed yardstick: it never learns, so an Elo measured against it
 * means the same from run to run. All memory is taken once, playouts allocate nothing.
 */
export class UctSearch {
  readonly #geometry: HexGeometry;
  readonly #playouts: number;
  readonly #parent: Int32Array;
  readonly #firstChild: Int32Array;
  readonly #childCount: Uint8Array;
  readonly #move: Uint8Array;
  readonly #visits: Int32Array;
  readonly #wins: Int32Array;
  readonly #stones: Uint8Array;
  readonly #empty: Uint8Array;
  readonly #seen: Uint8Array;
  readonly #stack: Uint8Array;
  #nodes = 0;

  constructor(geometry: HexGeometry, playouts: number) {
    // Every playout expands at most one node into all its moves.
    const capacity = 1 + (playouts + 1) * geometry.cells;
    this.#geometry = geometry;
    this.#playouts = playouts;
    this.#parent = new Int32Array(capacity);
    this.#firstChild = new Int32Array(capacity);
    this.#childCount = new Uint8Array(capacity);
    this.#move = new Uint8Array(capacity);
    this.#visits = new Int32Array(capacity);
    this.#wins = new Int32Array(capacity);
    this.#stones = new Uint8Array(geometry.cells);
    this.#empty = new Uint8Array(geometry.cells);
    this.#seen = new Uint8Array(geometry.cells);
    this.#stack = new Uint8Array(geometry.cells);
  }

  /** The most visited move after the search's playouts. */
  bestMove(board: HexBoard, random: Random): number {
    this.#nodes = 0;
    this.#add(-1, 0);
    for (let i = 0; i < this.#playouts; i++) this.#playout(board, random);
    let best = -1;
    let bestVisits = -1;
    const first = this.#firstChild[0]!;
    for (let child = first; child < first + this.#childCount[0]!; child++) {
      if (this.#visits[child]! <= bestVisits) continue;
      best = child;
      bestVisits = this.#visits[child]!;
    }
    return this.#move[best]!;
  }

  #playout(board: HexBoard, random: Random): void {
    const stones = this.#stones;
    stones.set(board.stones);
    let turn: Player = board.turn;
    let node = 0;
    while (this.#childCount[node]! > 0) {
      node = this.#select(node, random);
      stones[this.#move[node]!] = turn;
      turn = (3 - turn) as Player;
    }
    if (node === 0 || this.#visits[node]! > 0) {
      this.#expand(node, stones);
      if (this.#childCount[node]! > 0) {
        node = this.#select(node, random);
        stones[this.#move[node]!] = turn;
        turn = (3 - turn) as Player;
      }
    }
    const winner = this.#fill(turn, random);
    // `turn` is to move at the leaf, so the leaf's own move was made by the other player.
    let mover = (3 - turn) as Player;
    for (let at = node; at >= 0; at = this.#parent[at]!) {
      this.#visits[at] = this.#visits[at]! + 1;
      if (mover === winner) this.#wins[at] = this.#wins[at]! + 1;
      mover = (3 - mover) as Player;
    }
  }

  #select(node: number, random: Random): number {
    const first = this.#firstChild[node]!;
    const end = first + this.#childCount[node]!;
    const logVisits = Math.log(this.#visits[node]! + 1);
    let best = first;
    let bestScore = -Infinity;
    for (let child = first; child < end; child++) {
      const visits = this.#visits[child]!;
      const score =
        visits === 0
          ? 1e6 + random.unit()
          : this.#wins[child]! / visits + EXPLORATION * Math.sqrt(logVisits / visits);
      if (score <= bestScore) continue;
      best = child;
      bestScore = score;
    }
    return best;
  }

  #expand(node: number, stones: Uint8Array): void {
    const first = this.#nodes;
    for (let cell = 0; cell < stones.length; cell++) if (stones[cell] === 0) this.#add(node, cell);
    this.#firstChild[node] = first;
    this.#childCount[node] = this.#nodes - first;
  }

  #add(parent: number, move: number): void {
    const node = this.#nodes++;
    this.#parent[node] = parent;
    this.#move[node] = move;
    this.#childCount[node] = 0;
    this.#visits[node] = 0;
    this.#wins[node] = 0;
  }

  /** Fill the board by lot, the players in turn, and look who joined their edges. */
  #fill(turn: Player, random: Random): Player {
    const stones = this.#stones;
    const empty = this.#empty;
    let count = 0;
    for (let cell = 0; cell < stones.length; cell++) if (stones[cell] === 0) empty[count++] = cell;
    // Choosing which of the cells become red is enough: order doesn't matter on a full board.
    let red = turn === RED ? (count + 1) >> 1 : count >> 1;
    while (count > 0) {
      const at = random.below(count);
      const cell = empty[at]!;
      empty[at] = empty[--count]!;
      stones[cell] = red > 0 ? RED : 2;
      if (red > 0) red--;
    }
    return winnerOfFull(this.#geometry, stones, this.#seen, this.#stack);
  }
}
