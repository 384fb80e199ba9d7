export { parseConfigKey, presetFor } from "./config.ts";
export type { DemoConfig, TrainingPreset } from "./config.ts";
export { eloOfScore, fitRatings, naiveSum } from "./elo.ts";
export type { PairTable, Rating, RatingOptions } from "./elo.ts";
export { BLUE, HexBoard, RED, drawBoard, hexGeometry, winnerOfFull } from "./hex.ts";
export type { HexGeometry, Player } from "./hex.ts";
export { Learner, shuffledGames } from "./learner.ts";
export type { LearnerOptions } from "./learner.ts";
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
export {
  SelfPlay,
  isValidGame,
  moveCell,
  moveExplored,
  parseGames,
  playBatch,
  serialiseGames,
} from "./self-play.ts";
export type { GameBatch } from "./self-play.ts";
export { Sprt, expectedScore } from "./sprt.ts";
export type { SprtOptions, SprtVerdict } from "./sprt.ts";
export { UctSearch } from "./uct.ts";
