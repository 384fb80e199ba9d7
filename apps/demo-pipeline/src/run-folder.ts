import { createHash, randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FileRef } from "./catalogue.ts";

/**
 * The folder of one run, the only thing besides the queue file that the processes share. Events name
 * files relative to it, with their checksums; nobody looks for files that no event named.
 *
 * | path | written by |
 * |--|--|
 * | `run.json`, `report.json` | the launcher |
 * | `games/<job>.games` | a worker |
 * | `synced/<job>.games` | sync |
 * | `models/<sha256>.model` | the launcher (generation 0), the trainer |
 * | `gates/<candidate>.json` | the evaluator |
 * | `promotions/<candidate>.json`, `champion.json` | the promoter |
 * | `ratings/<job>.json` | a worker |
 * | `state/trainer.json` | the trainer, for itself |
 * | `ledgers/<node>.jsonl`, `stats/<node>-<pid>.json`, `logs/<node>.log` | each node |
 * | `tmp/` | everybody: files being written, and what a killed process left of one |
 */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Where a file of the run is. */
  at(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  /**
   * Write a file unless it is there already, whole or not at all. An effect with this name happens
   * once, however often its event is delivered.
   *
   * @returns whether this call wrote it
   */
  createOnce(name: string, content: Uint8Array | string): boolean {
    const path = this.at(name);
    const temporary = this.#temporary(content);
    mkdirSync(dirname(path), { recursive: true });
    try {
      // Unlike a rename, a link fails when the name is taken.
      linkSync(temporary, path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** Write a file over what is there; readers see the old content or the new one, nothing between. */
  replace(name: string, content: Uint8Array | string): void {
    const path = this.at(name);
    const temporary = this.#temporary(content);
    mkdirSync(dirname(path), { recursive: true });
    renameSync(temporary, path);
  }

  /** Read a file. */
  read(name: string): Buffer {
    return readFileSync(this.at(name));
  }

  /** Read a JSON file; `undefined` when there is none. */
  readJson(name: string): unknown {
    try {
      return JSON.parse(readFileSync(this.at(name), "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /**
   * Read a file that an event named.
   *
   * @throws Error when its content is not what the event promised
   */
  readChecked(file: FileRef): Buffer {
    const content = this.read(file.path);
    const found = sha256(content);
    if (found === file.sha256) return content;
    throw new Error(
      `"${file.path}" has checksum "${found}" where its event promised "${file.sha256}".`,
    );
  }

  /** In a folder of their own, so that a file in any other one is whole and was meant to be there. */
  #temporary(content: Uint8Array | string): string {
    mkdirSync(this.at("tmp"), { recursive: true });
    const temporary = this.at("tmp", `${process.pid}-${randomBytes(4).toString("hex")}`);
    writeFileSync(temporary, content);
    return temporary;
  }
}

/** Lower-case hex SHA-256. */
export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Name of a model's file in the run folder. */
export function modelFile(modelId: string): string {
  return `models/${modelId}.model`;
}

/** JSON as the run folder keeps it: indented, with a final newline. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
