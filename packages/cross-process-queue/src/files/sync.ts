import { open } from "node:fs/promises";

/** Brings a file that nobody has open to the disk. */
export async function syncFile(path: string): Promise<void> {
  // Windows flushes only what may be written through the descriptor.
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that a new file is found again. Where a folder can't be opened or synced, as on Windows, nobody can. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "EINVAL" && code !== "EPERM" && code !== "ENOTSUP") throw error;
  } finally {
    await handle.close();
  }
}
