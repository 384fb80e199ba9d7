import { parseNetwork } from "../game/index.ts";
import type { Network } from "../game/index.ts";
import type { RunFolder } from "../run-folder.ts";
import { modelFile } from "../run-folder.ts";

/** Models kept in memory; the current champion and a few others. */
const KEPT = 12;

/** Models by id, read from the run folder once and checked: a model's id is its checksum. */
export class ModelCache {
  readonly #folder: RunFolder;
  readonly #models = new Map<string, Network>();

  constructor(folder: RunFolder) {
    this.#folder = folder;
  }

  /**
   * The model with this id.
   *
   * @throws Error when its file isn't there or is another one
   */
  get(modelId: string): Network {
    const known = this.#models.get(modelId);
    if (known !== undefined) return known;
    const content = this.#folder.readChecked({ path: modelFile(modelId), sha256: modelId });
    const model = parseNetwork(content);
    const [oldest] = this.#models.keys();
    if (this.#models.size >= KEPT && oldest !== undefined) this.#models.delete(oldest);
    this.#models.set(modelId, model);
    return model;
  }
}
