import { setImmediate } from "node:timers/promises";
import type { StartFrom } from "@ringrift/envelope";
import type { GroupInfo } from "@ringrift/event-queue";
import type {
  Backlog,
  BackendGroups,
  CheckedGroupChange,
  NameHolder,
} from "@ringrift/event-queue/backend";
import { groupNotFound } from "@ringrift/event-queue/backend";
import { Budget } from "../log/budget.ts";
import type { Engine } from "../engine/engine.ts";
import type { ClaimRequest } from "../groups/name-claims.ts";

/** The groups of a queue in a file. */
export class SqliteGroups implements BackendGroups {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async list(): Promise<GroupInfo[]> {
    const { connection, groups, sweeper } = this.#engine;
    await sweeper.sweepOnce();
    const all = await connection.read(() => groups.all());
    const infos: GroupInfo[] = [];
    for (const { name } of all) {
      const info = await this.#info(name);
      if (info !== undefined) infos.push(info);
      // To count one of them may take some ms.
      await setImmediate();
    }
    return infos;
  }

  async seek(name: string, from: StartFrom): Promise<GroupInfo> {
    const { committer, groups } = this.#engine;
    await committer.submit((tx) => groups.seek(tx, name, from));
    return this.#existing(name);
  }

  async remove(name: string): Promise<boolean> {
    const { committer, groups } = this.#engine;
    let isFound = false;
    for (let isGone = false; !isGone;) {
      isGone = await committer.submit((tx) => {
        const group = groups.find(name);
        if (group === undefined) return true;
        isFound = true;
        return groups.dissolve(tx, group, new Budget()).isGone;
      });
    }
    return isFound;
  }

  async configure(name: string, change: CheckedGroupChange): Promise<GroupInfo> {
    const { committer, groups } = this.#engine;
    await committer.submit((tx) => groups.configure(tx, name, change));
    return this.#existing(name);
  }

  takeName(name: string, request: ClaimRequest): Promise<NameHolder> {
    const { committer, claims, groups } = this.#engine;
    return committer.submit((tx) => {
      const taken = claims.take(tx, name, request);
      if (taken.holder === request.holder) groups.noteClaimed(name);
      return taken;
    });
  }

  releaseName(name: string, holder: string, note: string | undefined): Promise<void> {
    const { committer, claims } = this.#engine;
    return committer.submit(() => claims.release(name, holder, note));
  }

  furthestBehind(enough: number): Promise<Backlog | undefined> {
    const { connection, groups } = this.#engine;
    return connection.read(() => groups.furthestBehind(enough, Date.now()));
  }

  /** Counts without the write lock. */
  #info(name: string): Promise<GroupInfo | undefined> {
    const { connection, groups } = this.#engine;
    return connection.read(() => {
      const group = groups.find(name);
      return group && groups.info(group, Date.now());
    });
  }

  async #existing(name: string): Promise<GroupInfo> {
    const info = await this.#info(name);
    if (info === undefined) throw groupNotFound(name);
    return info;
  }
}
