export { parseConfigKey, presetFor } from "./config.ts";
export type { TrainingPreset } from "./config.ts";
export { eloOfScore, fitRatings, naiveSum } from "./elo.ts";
export type { PairTable, Rating } from "./elo.ts";
export { BLUE, HexBoard, RED, hexGeometry, winnerOfFull } from "./hex.ts";
export type { Player } from "./hex.ts";
export { Learner, shuffledGames } from "./learner.ts";
export { Match, networkPlayer, randomPlayer, uctPlayer } from "./match.ts";
export type { HexPlayer } from "./match.ts";
export {
  Position,
  cloneNetwork,
  createNetwork,
  modelId,
  parseNetwork,
  serialiseNetwork,
} from "./ntuple.ts";
export type { Network } from "./ntuple.ts";
export { Random } from "./random.ts";
export { SelfPlay, isValidGame, parseGames, playBatch, serialiseGames } from "./self-play.ts";
export type { GameBatch } from "./self-play.ts";
export { Sprt, expectedScore } from "./sprt.ts";
export type { SprtOptions, SprtVerdict } from "./sprt.ts";
