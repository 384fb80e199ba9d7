import { basename } from "node:path";
import { HexBoard, isValidGame, parseGames } from "../game/index.ts";
import type { GameBatch } from "../game/index.ts";
import { Pace } from "../pace.ts";
import type { StageContext } from "./context.ts";
import { effect, work } from "./context.ts";
import { emitOnce } from "./emit.ts";

/**
 * Sync: copy what the workers played to where the trainer reads, as a cluster would between
 * machines: verify the checksum that the event promised, look at the games, and tell.
 */
export function registerSync(context: StageContext): void {
  work(context, "syncing", async ({ payload, id }, { signal }) => {
    const [file, ...more] = payload.files ?? [];
    if (file === undefined || more.length > 0) {
      throw new Error(`Event "${id}" names ${more.length + 1} game files where one belongs.`);
    }
    const began = performance.now();
    const content = context.folder.readChecked(file);
    const batch = parseGames(content);
    const quality = await scoreQuality(batch, new Pace(signal));
    const path = `synced/${basename(file.path)}`;
    const copied = context.folder.createOnce(path, content);
    await emitOnce(context, basename(file.path), {
      stage: "sync_complete",
      success: true,
      ...(payload.configKey !== undefined && { configKey: payload.configKey }),
      ...(payload.iteration !== undefined && { iteration: payload.iteration }),
      nodeId: context.node,
      gamesSynced: batch.games.length,
      files: [{ ...file, path }],
      bytes: content.length,
      quality,
      durationMs: Math.round(performance.now() - began),
    });
    return effect(path, copied);
  });
}

/** The share of games that are legal, finished and not a copy of another one of the batch. */
async function scoreQuality({ size, games }: GameBatch, pace: Pace): Promise<number> {
  const board = new HexBoard(size);
  const distinct = new Set<string>();
  for (const game of games) {
    if (isValidGame(board, game)) distinct.add(Buffer.from(game).toString("latin1"));
    await pace.breathe();
  }
  return games.length === 0 ? 0 : distinct.size / games.length;
}
