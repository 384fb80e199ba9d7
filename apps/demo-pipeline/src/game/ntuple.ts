import { createHash } from "node:crypto";
import type { HexBoard, Player } from "./hex.ts";
import { BLUE, RED, hexGeometry } from "./hex.ts";
import { Random } from "./random.ts";

/** Cells in a tuple. */
const TUPLE_CELLS = 6;
/** Weights of a tuple: each of its cells is empty, mine or theirs. */
const TUPLE_WEIGHTS: number = 3 ** TUPLE_CELLS;
/** Tuples of a network unless told otherwise. */
const DEFAULT_TUPLES = 32;

const MAGIC = Buffer.from("RRHEXNT1");

/**
 * A value function for the position after my move: `tanh` of the sum of one weight a tuple and
 * symmetry. The tuples are random walks over neighbouring cells; the symmetries are the half turn,
 * and colour swap with transposition (by which "mine" always joins top to bottom).
 */
export interface Network {
  readonly size: number;
  /** `TUPLE_CELLS` cells a tuple, one after the other. */
  readonly tuples: Uint8Array;
  /** `TUPLE_WEIGHTS` weights a tuple, one after the other. */
  readonly weights: Float32Array;
}

/** An untrained network: all weights are 0, every move is worth the same. The seed picks the tuples. */
export function createNetwork(
  size: number,
  seed: string,
  tupleCount: number = DEFAULT_TUPLES,
): Network {
  const { cells, neighbours } = hexGeometry(size);
  if (cells < TUPLE_CELLS)
    throw new RangeError(`A board of size "${size}" has no room for a tuple.`);
  const random = new Random(`tuples/${seed}`);
  const tuples = new Uint8Array(tupleCount * TUPLE_CELLS);
  for (let t = 0; t < tupleCount; t++) {
    const walk = new Set<number>();
    let at = random.below(cells);
    walk.add(at);
    while (walk.size < TUPLE_CELLS) {
      at = neighbours[at * 7 + 1 + random.below(neighbours[at * 7]!)]!;
      walk.add(at);
    }
    tuples.set(
      [...walk].toSorted((a, b) => a - b),
      t * TUPLE_CELLS,
    );
  }
  return { size, tuples, weights: new Float32Array(tupleCount * TUPLE_WEIGHTS) };
}

/** A copy that can be trained without touching the original. */
export function cloneNetwork(network: Network): Network {
  return { ...network, weights: network.weights.slice() };
}

/** The network as bytes, the same on every machine (little endian). */
export function serialiseNetwork(network: Network): Buffer {
  const { size, tuples, weights } = network;
  const head = Buffer.alloc(MAGIC.length + 4);
  MAGIC.copy(head);
  head.writeUInt16LE(size, MAGIC.length);
  head.writeUInt16LE(tuples.length / TUPLE_CELLS, MAGIC.length + 2);
  const body = Buffer.alloc(weights.length * 4);
  for (let i = 0; i < weights.length; i++) body.writeFloatLE(weights[i]!, i * 4);
  return Buffer.concat([head, tuples, body]);
}

/** The inverse of {@link serialiseNetwork}. @throws Error when the bytes are not a whole network */
export function parseNetwork(bytes: Uint8Array): Network {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = MAGIC.length + 4;
  if (buffer.length < start || !buffer.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new Error(
      `These ${buffer.length} bytes are not a model: they don't begin with "RRHEXNT1".`,
    );
  }
  const size = buffer.readUInt16LE(MAGIC.length);
  const count = buffer.readUInt16LE(MAGIC.length + 2);
  const expected = start + count * (TUPLE_CELLS + TUPLE_WEIGHTS * 4);
  if (buffer.length !== expected) {
    throw new Error(
      `The model has ${buffer.length} bytes where ${expected} belong; copy it again.`,
    );
  }
  const { cells } = hexGeometry(size);
  const tuples = new Uint8Array(buffer.subarray(start, start + count * TUPLE_CELLS));
  if (tuples.some((cell) => cell >= cells)) {
    throw new Error(`The model names a cell outside its ${size}×${size} board; copy it again.`);
  }
  const weights = new Float32Array(count * TUPLE_WEIGHTS);
  const body = start + tuples.length;
  for (let i = 0; i < weights.length; i++) weights[i] = buffer.readFloatLE(body + i * 4);
  return { size, tuples, weights };
}

/** A model's id: the SHA-256 of its bytes, in hex. Equal networks have equal ids. */
export function modelId(serialised: Uint8Array): string {
  return createHash("sha256").update(serialised).digest("hex");
}

/** Which instances (a tuple in one symmetry) a cell belongs to, a view (red's, blue's). */
interface View {
  /** Entries of cell `c` are `[start[c], start[c + 1])` of the two arrays below. */
  readonly start: Uint16Array;
  readonly instance: Uint16Array;
  readonly power: Uint16Array;
}

/** The wiring of a set of tuples: made once a network, shared by every position it looks at. */
class Wiring {
  readonly instances: number;
  readonly views: readonly [View, View];
  /** Each instance's first weight. */
  readonly base: Int32Array;

  constructor(size: number, tuples: Uint8Array) {
    const { cells, transposed } = hexGeometry(size);
    const count = tuples.length / TUPLE_CELLS;
    this.instances = count * 2;
    this.base = new Int32Array(this.instances);
    const lists = [RED, BLUE].map(() => Array.from({ length: cells }, (): number[] => []));
    for (let t = 0; t < count; t++) {
      for (const turned of [0, 1]) {
        const instance = t * 2 + turned;
        this.base[instance] = t * TUPLE_WEIGHTS;
        for (let k = 0; k < TUPLE_CELLS; k++) {
          const own = tuples[t * TUPLE_CELLS + k]!;
          const cell = turned === 1 ? cells - 1 - own : own;
          lists[0]![cell]!.push(instance, 3 ** k);
          lists[1]![transposed[cell]!]!.push(instance, 3 ** k);
        }
      }
    }
    const flatten = (list: readonly number[][]): View => {
      const start = new Uint16Array(cells + 1);
      for (let c = 0; c < cells; c++) start[c + 1] = start[c]! + list[c]!.length / 2;
      const flat = list.flat();
      return {
        start,
        instance: Uint16Array.from(flat.filter((_, i) => i % 2 === 0)),
        power: Uint16Array.from(flat.filter((_, i) => i % 2 === 1)),
      };
    };
    this.views = [flatten(lists[0]!), flatten(lists[1]!)];
  }
}

const wirings = new WeakMap<Uint8Array, Wiring>();

function wiringOf(network: Network): Wiring {
  let wiring = wirings.get(network.tuples);
  if (wiring === undefined) {
    wiring = new Wiring(network.size, network.tuples);
    wirings.set(network.tuples, wiring);
  }
  return wiring;
}

/**
 * A position as a network sees it, kept up to date a stone at a time: for each player's view, the
 * weight every instance points at.
 */
export class Position {
  readonly #wiring: Wiring;
  readonly #weights: Float32Array;
  readonly #indices: readonly [Int32Array, Int32Array];

  constructor(network: Network) {
    this.#wiring = wiringOf(network);
    this.#weights = network.weights;
    this.#indices = [
      new Int32Array(this.#wiring.instances),
      new Int32Array(this.#wiring.instances),
    ];
    this.clear();
  }

  /** How many weights make up a value. */
  get instances(): number {
    return this.#wiring.instances;
  }

  /** Back to the empty board. */
  clear(): void {
    this.#indices[0].set(this.#wiring.base);
    this.#indices[1].set(this.#wiring.base);
  }

  /** Add a stone. */
  place(cell: number, player: Player): void {
    for (let v = 0; v < 2; v++) {
      const view = this.#wiring.views[v]!;
      const indices = this.#indices[v]!;
      const digit = v + 1 === player ? 1 : 2;
      const end = view.start[cell + 1]!;
      for (let i = view.start[cell]!; i < end; i++) {
        const instance = view.instance[i]!;
        indices[instance] = indices[instance]! + digit * view.power[i]!;
      }
    }
  }

  /** The weights that `player` sees, to train with. Valid until the next stone. */
  indices(player: Player): Int32Array {
    return this.#indices[player - 1]!;
  }

  /** What placing a stone of `player` here would add to the sum. */
  gain(cell: number, player: Player): number {
    const view = this.#wiring.views[player - 1]!;
    const indices = this.#indices[player - 1]!;
    const weights = this.#weights;
    let gain = 0;
    const end = view.start[cell + 1]!;
    for (let i = view.start[cell]!; i < end; i++) {
      const at = indices[view.instance[i]!]!;
      gain += weights[at + view.power[i]!]! - weights[at]!;
    }
    return gain;
  }

  /** The position's value for `player`, who has just moved: between -1 (lost) and 1 (won). */
  value(player: Player): number {
    const indices = this.#indices[player - 1]!;
    const weights = this.#weights;
    let sum = 0;
    for (let i = 0; i < indices.length; i++) sum += weights[indices[i]!]!;
    return Math.tanh(sum);
  }

  /** The best move: a win if there is one, else the highest value; equals are drawn by lot. */
  bestMove(board: HexBoard, random: Random): number {
    const { cells, size } = board.geometry;
    const { stones, turn } = board;
    const canWin = board.moves >= 2 * size - 2;
    let best = -1;
    let bestGain = -Infinity;
    let equals = 0;
    for (let cell = 0; cell < cells; cell++) {
      if (stones[cell] !== 0) continue;
      if (canWin && board.wins(cell)) return cell;
      const gain = this.gain(cell, turn);
      if (gain > bestGain) {
        best = cell;
        bestGain = gain;
        equals = 1;
      } else if (gain === bestGain) {
        equals++;
        if (random.below(equals) === 0) best = cell;
      }
    }
    return best;
  }
}
