import { Random } from "./random.ts";

/** The pairs two players met in, by how many of its two games `a` won: `[none, one, both]`. */
export interface PairTable {
  readonly a: string;
  readonly b: string;
  readonly pairs: readonly [number, number, number];
}

/** A player's rating with its 95 % interval. A pinned player's interval is empty. */
export interface Rating {
  readonly player: string;
  readonly elo: number;
  readonly low: number;
  readonly high: number;
}

/** How ratings are fitted. */
export interface RatingOptions {
  /** Players whose rating is given, in Elo. At least one, or the scale has no zero. */
  readonly pinned: ReadonlyMap<string, number>;
  /** Bootstrap rounds for the intervals. @default 200 */
  readonly rounds?: number;
  /** Seed of the bootstrap. @default "elo" */
  readonly seed?: string;
}

const ELO_PER_NAT = 400 / Math.LN10;
/**
 * Every meeting counts half a won and half a lost game more than were played: it keeps the rating
 * of somebody who won everything finite, and pulls large differences down, never up.
 */
const PRIOR_GAMES = 0.5;

/** A player's Elo advantage over an opponent, from a mean score; bounded for scores of 0 and 1. */
export function eloOfScore(score: number, games: number): number {
  const bounded = (score * games + PRIOR_GAMES) / (games + 2 * PRIOR_GAMES);
  return ELO_PER_NAT * Math.log(bounded / (1 - bounded));
}

/**
 * Bradley–Terry ratings (maximum likelihood) of everybody who met, on the pinned players' scale,
 * with bootstrap intervals that resample whole pairs: the two games of a pair are not independent.
 * Players with no chain of meetings to a pinned one are left out.
 */
export function fitRatings(tables: readonly PairTable[], options: RatingOptions): Rating[] {
  const players = connectedPlayers(tables, options.pinned);
  const met = tables.filter(({ a, b }) => players.includes(a) && players.includes(b));
  const random = new Random(`bootstrap/${options.seed ?? "elo"}`);
  const fitted = fit(met, players, options.pinned);
  const samples = Array.from({ length: options.rounds ?? 200 }, () =>
    fit(
      met.map((table) => resample(table, random)),
      players,
      options.pinned,
      fitted,
    ),
  );
  return players.map((player, i) => {
    const spread = samples.map((sample) => sample[i]!).toSorted((x, y) => x - y);
    const at = (share: number): number =>
      spread[Math.min(spread.length - 1, Math.floor(share * spread.length))] ?? fitted[i]!;
    return { player, elo: fitted[i]!, low: at(0.025), high: at(0.975) };
  });
}

/** What the usual plot would show: the sum of each gate's own estimate. Misleading; see the report. */
export function naiveSum(gates: readonly { score: number; pairs: number }[]): number {
  return gates.reduce((sum, gate) => sum + eloOfScore(gate.score, gate.pairs * 2), 0);
}

function connectedPlayers(
  tables: readonly PairTable[],
  pinned: ReadonlyMap<string, number>,
): string[] {
  const reached = new Set(pinned.keys());
  for (let before = -1; before !== reached.size;) {
    before = reached.size;
    for (const { a, b, pairs } of tables) {
      if (pairs[0] + pairs[1] + pairs[2] === 0) continue;
      if (reached.has(a)) reached.add(b);
      else if (reached.has(b)) reached.add(a);
    }
  }
  return [...reached];
}

/** Newton's method a player at a time: the likelihood is concave, so the sweeps converge. */
function fit(
  tables: readonly PairTable[],
  players: readonly string[],
  pinned: ReadonlyMap<string, number>,
  start?: readonly number[],
): number[] {
  const index = new Map(players.map((player, i) => [player, i]));
  const strength = players.map(
    (player, i) => (pinned.get(player) ?? start?.[i] ?? 0) / ELO_PER_NAT,
  );
  const meetings = players.map((): { other: number; won: number; games: number }[] => []);
  for (const { a, b, pairs } of tables) {
    const played = 2 * (pairs[0] + pairs[1] + pairs[2]);
    if (played === 0) continue;
    const won = pairs[1] + 2 * pairs[2] + PRIOR_GAMES;
    const games = played + 2 * PRIOR_GAMES;
    const [i, j] = [index.get(a)!, index.get(b)!];
    meetings[i]!.push({ other: j, won, games });
    meetings[j]!.push({ other: i, won: games - won, games });
  }
  for (let sweep = 0; sweep < 500; sweep++) {
    let largest = 0;
    for (let i = 0; i < players.length; i++) {
      if (pinned.has(players[i]!)) continue;
      let slope = 0;
      let curvature = 0;
      for (const { other, won, games } of meetings[i]!) {
        const p = 1 / (1 + Math.exp(strength[other]! - strength[i]!));
        slope += won - games * p;
        curvature += games * p * (1 - p);
      }
      if (curvature === 0) continue;
      const step = Math.max(-1, Math.min(1, slope / curvature));
      strength[i] = strength[i]! + step;
      largest = Math.max(largest, Math.abs(step));
    }
    if (largest < 1e-6) break;
  }
  return strength.map((s) => s * ELO_PER_NAT);
}

function resample({ a, b, pairs }: PairTable, random: Random): PairTable {
  const [none, one, both] = pairs;
  const total = none + one + both;
  const drawn: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < total; i++) {
    const at = random.below(total);
    const won = at < none ? 0 : at < none + one ? 1 : 2;
    drawn[won]++;
  }
  return { a, b, pairs: drawn };
}
