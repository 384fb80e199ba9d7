import { parseStartFrom, type StartFrom } from "@ringrift/envelope";
import { groupClaimed } from "../checking/group-errors.ts";
import { checkGroupChange } from "../checking/group-policy.ts";
import type {
  ClaimOptions,
  GroupChange,
  GroupClaim,
  GroupInfo,
  Groups,
} from "../contract/groups.ts";
import { checkGroupName } from "../checking/names.ts";
import { decodePayload } from "../sending/payload.ts";
import { checkClaim, checkRelease } from "../reading/requests.ts";
import type { NameHolder } from "../backend/queue-backend.ts";
import type { QueueInstance } from "../backend/queue-instance.ts";

/** Administration of the groups of a queue. */
export class BackedGroups implements Groups {
  readonly #instance: QueueInstance;

  constructor(instance: QueueInstance) {
    this.#instance = instance;
  }

  list(): Promise<GroupInfo[]> {
    return this.#instance.use(({ groups }) => groups.list());
  }

  async seek(name: string, from: StartFrom): Promise<GroupInfo> {
    checkGroupName(name);
    parseStartFrom(from);
    return this.#instance.use(({ groups }) => groups.seek(name, from));
  }

  async remove(name: string): Promise<boolean> {
    checkGroupName(name);
    return this.#instance.use(({ groups }) => groups.remove(name));
  }

  async configure(name: string, change: GroupChange): Promise<GroupInfo> {
    checkGroupName(name);
    const checked = checkGroupChange(change);
    return this.#instance.use(({ groups }) => groups.configure(name, checked));
  }

  async claim(name: string, options: ClaimOptions): Promise<GroupClaim> {
    const group = checkGroupName(name);
    const { holder, ttlMs } = checkClaim(options);
    const take = (): Promise<NameHolder> =>
      this.#instance.use(({ groups }) => groups.takeName(group, { holder, ttlMs }));
    const taken = await take();
    if (taken.holder !== holder) throw groupClaimed(group, taken.holder);
    return {
      group,
      holder,
      note: taken.note === undefined ? undefined : decodePayload(taken.note),
      renew: async () => (await take()).holder === holder,
      release: async (given) => {
        const note = checkRelease(given);
        await this.#instance.use(({ groups }) => groups.releaseName(group, holder, note));
      },
    };
  }
}
