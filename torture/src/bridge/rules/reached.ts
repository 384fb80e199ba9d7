import { type Ledger, type LifeStory, SLACK } from "../ledger.ts";
import type { Rule } from "./rule.ts";

/** Every named node, and every unnamed one from its start on, has heard every event to its end. */
export const reached: Rule = {
  name: "reached every bus",
  judge: (ledger) => {
    const heard = new Set(
      ledger.gots.flatMap(({ life, id, end }) =>
        end === undefined ? [] : [`${ledger.ownerOf(life)} ${id}`],
      ),
    );
    const [rest] = ledger.only("rest");
    const stories = ledger.livesHere;
    const named = new Set(stories.flatMap(({ isNamed, owner }) => (isNamed ? [owner] : [])));
    const missing = [...named].flatMap((owner) =>
      ledger.remains.rows.flatMap(({ id, name }) =>
        heard.has(`${owner} ${id}`) ? [] : [`"${name}" never reached the bus of "${owner}".`],
      ),
    );
    const living = stories.filter(({ isNamed, ending }) => !isNamed && isAlive(ending, rest?.at));
    return [...missing, ...living.flatMap((story) => missedBy(ledger, story, heard))];
  },
};

/** Until everything had come to rest. */
function isAlive(ending: LifeStory["ending"], restAt = Number.POSITIVE_INFINITY): boolean {
  return ending === undefined || ending.at > restAt;
}

function missedBy(ledger: Ledger, { life, upAt }: LifeStory, heard: ReadonlySet<string>): string[] {
  return ledger.remains.rows.flatMap(({ id, name }) => {
    const [attempt] = ledger.attemptsOf.get(name) ?? [];
    // Between the start and the entry that says so.
    if (!attempt || attempt.at < upAt + SLACK / 10 || heard.has(`${life} ${id}`)) return [];
    return [`"${name}" never reached the bus of ${life}.`];
  });
}
