import type { Rule } from "./rule.ts";

const EVENTS = new Set(["attempt", "got", "begin"]);

/** Once everything has come to rest, nothing happens: the log stays as it is, and so do all handlers. */
export const atRest: Rule = {
  name: "constant at rest",
  judge: (ledger) => {
    const ends = ledger.only("disturbed");
    const happened = ledger.only("rest").flatMap(({ at, last }, index) => {
      const end = ends[index];
      if (!end) return ["It was not said how long the rest was."];
      const stirred = ledger.entries.filter(
        (entry) => EVENTS.has(entry.kind) && entry.at > at && entry.at < end.at,
      );
      return [
        end.last !== last && `The log went from ${last} to ${end.last} at rest.`,
        stirred.length > 0 && `${stirred.length} things happened at rest.`,
      ].filter((found) => found !== false);
    });
    const { groups } = ledger.remains;
    const named = groups.filter(({ name }) => !name.startsWith("node-"));
    const pending = named.flatMap((group) =>
      group.pending === 0
        ? []
        : [`"${group.name}" has ${group.pending} events pending at the end.`],
    );
    // Only those that were killed could not remove theirs; everybody else has stopped.
    const orphans = groups.length - named.length;
    const killed = ledger.livesHere.filter(
      ({ isNamed, ending }) => !isNamed && ending?.how === "killed",
    ).length;
    const groupsLeft =
      orphans > killed ? [`${orphans} unnamed nodes left a group, ${killed} were killed.`] : [];
    return [...happened, ...pending, ...groupsLeft];
  },
};
