import { describe, expect, it } from "vitest";
import {
  HexBoard,
  Position,
  Random,
  cloneNetwork,
  createNetwork,
  hexGeometry,
  modelId,
  parseNetwork,
  serialiseNetwork,
} from "../src/game/index.ts";
import type { Network, Player } from "../src/game/index.ts";

function randomNetwork(size: number, seed: string): Network {
  const network = createNetwork(size, seed, 20);
  const random = new Random(seed);
  for (let i = 0; i < network.weights.length; i++) network.weights[i] = random.unit() * 0.1 - 0.05;
  return network;
}

/** Stones of a random unfinished position. */
function randomStones(size: number, seed: string): { cell: number; player: Player }[] {
  const random = new Random(seed);
  const board = new HexBoard(size);
  const stones: { cell: number; player: Player }[] = [];
  const count = 3 + random.below(size * size - 6);
  while (stones.length < count) {
    const cell = random.below(size * size);
    if (board.stones[cell] !== 0) continue;
    stones.push({ cell, player: board.turn });
    if (board.play(cell)) break;
  }
  return stones;
}

function valueOf(
  network: Network,
  stones: readonly { cell: number; player: Player }[],
  player: Player,
): number {
  const position = new Position(network);
  for (const stone of stones) position.place(stone.cell, stone.player);
  return position.value(player);
}

const seeds = Array.from({ length: 50 }, (_, i) => `seed ${i}`);

describe("a network's value", () => {
  it("is the same after a half turn of the board", () => {
    const network = randomNetwork(5, "turn");
    for (const seed of seeds) {
      const stones = randomStones(5, seed);
      const turned = stones.map(({ cell, player }) => ({ cell: 24 - cell, player }));
      expect(valueOf(network, turned, 1)).toBeCloseTo(valueOf(network, stones, 1), 10);
    }
  });

  it("is the same for the other colour on the transposed board", () => {
    const network = randomNetwork(5, "swap");
    const { transposed } = hexGeometry(5);
    for (const seed of seeds) {
      const stones = randomStones(5, seed);
      const swapped = stones.map(({ cell, player }) => ({
        cell: transposed[cell]!,
        player: (3 - player) as Player,
      }));
      expect(valueOf(network, swapped, 2)).toBeCloseTo(valueOf(network, stones, 1), 10);
    }
  });

  it("tells a position from another one with one stone more", () => {
    const network = randomNetwork(5, "differ");
    const stones = randomStones(5, "differ");
    const free = Array.from({ length: 25 }, (_, cell) => cell).find((cell) =>
      stones.every((stone) => stone.cell !== cell),
    )!;
    expect(valueOf(network, [...stones, { cell: free, player: 1 }], 1)).not.toBeCloseTo(
      valueOf(network, stones, 1),
      6,
    );
  });

  it("changes by what gain() foretold", () => {
    const network = randomNetwork(6, "gain");
    for (const seed of seeds) {
      const stones = randomStones(6, seed);
      const last = stones.pop()!;
      const position = new Position(network);
      for (const stone of stones) position.place(stone.cell, stone.player);
      const before = Math.atanh(position.value(last.player));
      const gain = position.gain(last.cell, last.player);
      position.place(last.cell, last.player);
      expect(Math.atanh(position.value(last.player))).toBeCloseTo(before + gain, 6);
    }
  });

  it("leads to the winning move where there is one", () => {
    const board = new HexBoard(3);
    const position = new Position(randomNetwork(3, "win"));
    for (const cell of [1, 0, 4, 3]) {
      position.place(cell, board.turn);
      board.play(cell);
    }
    const move = position.bestMove(board, new Random("win"));
    expect(board.play(move)).toBe(true);
  });
});

describe("a serialised network", () => {
  it("comes back whole, with the same id", () => {
    const network = randomNetwork(7, "round trip");
    const bytes = serialiseNetwork(network);
    const back = parseNetwork(bytes);
    expect(back).toEqual(network);
    expect(modelId(serialiseNetwork(back))).toBe(modelId(bytes));
  });

  it("has another id when one weight differs", () => {
    const network = randomNetwork(5, "id");
    const other = cloneNetwork(network);
    other.weights[7] = other.weights[7]! + 0.001;
    expect(modelId(serialiseNetwork(other))).not.toBe(modelId(serialiseNetwork(network)));
  });

  it("is refused when it is cut short, isn't a model, or points outside the board", () => {
    const bytes = serialiseNetwork(randomNetwork(5, "cut"));
    expect(() => parseNetwork(bytes.subarray(0, bytes.length - 1))).toThrow(/bytes where/);
    expect(() => parseNetwork(Buffer.from("hello"))).toThrow(/not a model/);
    bytes[12] = 25;
    expect(() => parseNetwork(bytes)).toThrow(/outside its 5×5 board/);
  });
});
