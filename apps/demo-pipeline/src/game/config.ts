/** How much is played and learned a generation. */
export interface TrainingPreset {
  /** Self-play games of a generation, over all its batches. */
  readonly gamesPerGeneration: number;
  /** Games of one batch: one job, one file, one chain of events. */
  readonly gamesPerBatch: number;
  /** Tuples of a network. */
  readonly tuples: number;
  /** Generations whose games are trained on. */
  readonly replayWindow: number;
  readonly learningRate: number;
  readonly lambda: number;
  /** The generation whose candidate is trained on flipped labels, to see the gate turn it away. */
  readonly drillGeneration: number;
}

/** What a config key such as `hex7_2p` says. */
export interface DemoConfig {
  readonly key: string;
  readonly size: number;
}

const SMALLEST = 4;
const LARGEST = 9;

/**
 * Read a config key: `hex<size>_2p`, the grammar `{board}_{players}p` of the training systems this
 * demo is modelled on (where `hex8` is another game's board; here it is Hex).
 *
 * @throws RangeError with what to write instead
 */
export function parseConfigKey(key: string): DemoConfig {
  const size = Number(/^hex(\d{1,2})_2p$/.exec(key)?.[1] ?? Number.NaN);
  if (!(size >= SMALLEST && size <= LARGEST)) {
    throw new RangeError(
      `Config "${key}" is not one this demo plays; use "hex${SMALLEST}_2p" to "hex${LARGEST}_2p".`,
    );
  }
  return { key, size };
}

/**
 * The preset of a board size, found by trying on two cores: a generation takes about half a second up
 * to 6×6 and about a second and a half above, and the climb lasts for the whole of a run.
 */
export function presetFor(size: number): TrainingPreset {
  const small = size <= 6;
  return {
    gamesPerGeneration: small ? 4000 : 8000,
    gamesPerBatch: small ? 500 : 1000,
    tuples: small ? 112 : 160,
    replayWindow: 6,
    learningRate: small ? 0.06 : 0.04,
    lambda: 0.8,
    drillGeneration: small ? 4 : 6,
  };
}
