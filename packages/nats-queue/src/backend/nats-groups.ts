import type { StartFrom } from "@ringrift/envelope";
import type { GroupInfo } from "@ringrift/event-queue";
import type {
  Backlog,
  BackendGroups,
  CheckedGroupChange,
  NameHolder,
} from "@ringrift/event-queue/backend";
import { releaseClaim, takeClaim } from "../engine/name-claims.ts";
import type { Engine } from "../engine/engine.ts";
import { furthestBehind, groupInfo } from "../settling/group-info.ts";

/** The groups of a queue on JetStream. */
export class NatsGroups implements BackendGroups {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async list(): Promise<GroupInfo[]> {
    const { sweeper, skipper, groups } = this.#engine;
    await sweeper.expireGroups();
    await skipper.skipAll();
    return Promise.all((await groups.all()).map((group) => groupInfo(this.#engine, group)));
  }

  async seek(name: string, from: StartFrom): Promise<GroupInfo> {
    return groupInfo(this.#engine, await this.#engine.groups.seek(name, from));
  }

  remove(name: string): Promise<boolean> {
    return this.#engine.groups.remove(name);
  }

  async configure(name: string, change: CheckedGroupChange): Promise<GroupInfo> {
    return groupInfo(this.#engine, await this.#engine.groups.configure(name, change));
  }

  async takeName(
    name: string,
    claim: { readonly holder: string; readonly ttlMs: number },
  ): Promise<NameHolder> {
    const taken = await takeClaim(this.#engine, name, claim);
    if (taken.holder === claim.holder) await this.#engine.groups.noteClaimed(name);
    return taken;
  }

  releaseName(name: string, holder: string, note: string | undefined): Promise<void> {
    return releaseClaim(this.#engine, name, { holder, note });
  }

  furthestBehind(): Promise<Backlog | undefined> {
    return furthestBehind(this.#engine);
  }
}
