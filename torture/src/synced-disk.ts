import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const compiler = process.env["CC"] ?? "cc";

/** Why power can't be cut here; `undefined` when it can. */
export function hindranceToSyncedDisk(): string | undefined {
  if (process.platform !== "linux") return "The layer needs Linux's preloading and /proc.";
  const { error } = spawnSync(compiler, ["--version"]);
  return error && `There is no C compiler "${compiler}" for the layer: install one, or set CC.`;
}

/** Compiles the layer `synced-disk.c` into a folder; the path of what is to be preloaded. */
export function compileSyncedDisk(folder: string): string {
  const library = join(folder, "synced-disk.so");
  const source = fileURLToPath(new URL("synced-disk.c", import.meta.url));
  const { status, stderr } = spawnSync(
    compiler,
    ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`The layer could not be compiled: ${stderr}`);
  return library;
}

/** The disk below one database, for processes that are started with its `environment`. */
export class SyncedDisk {
  readonly environment: NodeJS.ProcessEnv;
  readonly #database: string;
  readonly #image: string;

  constructor(library: string, database: string) {
    this.#database = database;
    this.#image = `${database}.image`;
    mkdirSync(this.#image);
    this.environment = {
      LD_PRELOAD: library,
      KEEP_SYNCED_FROM: database,
      KEEP_SYNCED_TO: this.#image,
    };
  }

  /** What a power cut leaves of the database, once its processes are gone: under its own name in a folder of its own. */
  cut(): string {
    const name = basename(this.#database);
    // Without the shared memory, which a power cut takes as well.
    const after = join(mkdtempSync(`${this.#database}.after-`), name);
    for (const suffix of ["", "-wal"]) {
      copyFileSync(join(this.#image, `${name}${suffix}`), `${after}${suffix}`);
    }
    return after;
  }
}
