import { describe, expect, it } from "vitest";
import {
  HexBoard,
  Learner,
  Match,
  cloneNetwork,
  createNetwork,
  isValidGame,
  modelId,
  networkPlayer,
  parseGames,
  playBatch,
  randomPlayer,
  serialiseGames,
  serialiseNetwork,
  shuffledGames,
  uctPlayer,
} from "../src/game/index.ts";
import type { HexPlayer, Network } from "../src/game/index.ts";

/** A few generations without any gate. */
function train(size: number, seed: string, generations: number, flipLabels = false): Network {
  let network = createNetwork(size, seed, 32);
  for (let generation = 1; generation <= generations; generation++) {
    const { games } = playBatch(network, `${seed}/${generation}`, 500);
    const next = cloneNetwork(network);
    const learner = new Learner(next, { flipLabels });
    for (const game of shuffledGames([games], seed)) learner.train(game);
    network = next;
  }
  return network;
}

function trainedId(seed: string): string {
  return modelId(serialiseNetwork(train(5, seed, 2)));
}

function score(size: number, first: HexPlayer, second: HexPlayer, pairs: number): number {
  const match = new Match(size, first, second, "score");
  let won = 0;
  for (let i = 0; i < pairs; i++) won += match.playPair();
  return won / (2 * pairs);
}

describe("self-play", () => {
  it("plays the same games from the same seed and others from another", () => {
    const network = createNetwork(5, "a");
    const bytes = serialiseGames(playBatch(network, "s", 20));
    expect(serialiseGames(playBatch(network, "s", 20)).equals(bytes)).toBe(true);
    expect(serialiseGames(playBatch(network, "t", 20)).equals(bytes)).toBe(false);
  });

  it("records legal games that end with the winning move", () => {
    const board = new HexBoard(6);
    for (const game of playBatch(createNetwork(6, "a"), "legal", 100).games) {
      expect(isValidGame(board, game)).toBe(true);
      expect(isValidGame(board, game.subarray(0, -1))).toBe(false);
    }
    expect(isValidGame(board, Uint8Array.of(3, 3))).toBe(false);
    expect(isValidGame(board, Uint8Array.of(36))).toBe(false);
  });

  it("reads a batch back as it was written, and refuses one cut short", () => {
    const batch = playBatch(createNetwork(5, "a"), "file", 10);
    const bytes = serialiseGames(batch);
    expect(parseGames(bytes)).toEqual(batch);
    expect(() => parseGames(bytes.subarray(0, -1))).toThrow(/cut short/);
    expect(() => parseGames(Buffer.from("nothing"))).toThrow(/not a game file/);
  });
});

describe("the learner", () => {
  it("beats generation 0 clearly after three generations on 5×5", () => {
    const trained = train(5, "learn", 3);
    const untrained = createNetwork(5, "learn", 32);
    expect(score(5, networkPlayer(trained), networkPlayer(untrained), 100)).toBeGreaterThan(0.8);
  });

  it("beats 50 UCT playouts after six generations on 6×6", () => {
    const trained = train(6, "climb", 6);
    expect(score(6, networkPlayer(trained), uctPlayer(6, 50), 50)).toBeGreaterThan(0.6);
  });

  it("gets worse than generation 0 when the labels are flipped", () => {
    const poisoned = train(5, "poison", 2, true);
    const untrained = createNetwork(5, "poison", 32);
    expect(score(5, networkPlayer(poisoned), networkPlayer(untrained), 100)).toBeLessThan(0.3);
  });

  it("gives the same model from the same seed", () => {
    expect(trainedId("same")).toBe(trainedId("same"));
    expect(trainedId("same")).not.toBe(trainedId("other"));
  });
});

describe("the yardsticks", () => {
  it("grow stronger from random over 50 to 200 playouts", () => {
    expect(score(5, uctPlayer(5, 50), randomPlayer(), 60)).toBeGreaterThan(0.7);
    expect(score(5, uctPlayer(5, 200), uctPlayer(5, 50), 60)).toBeGreaterThan(0.65);
  });
});
