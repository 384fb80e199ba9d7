import type { Difference } from "./judge/difference.ts";
import type { Command, Script } from "./script/script.ts";

/** Leaves out of a script what isn't needed for a difference, one command after the other. */
export async function shorten(
  found: Difference,
  play: (script: Script) => Promise<Difference | undefined>,
): Promise<Difference> {
  let shortest = found;
  for (let at = found.played.commands.length - 1; at >= 0; at -= 1) {
    const commands = without(shortest.played.commands, at);
    shortest = (await play({ ...shortest.played, commands })) ?? shortest;
  }
  return shortest;
}

function without(commands: readonly Command[], at: number): readonly Command[] {
  return commands.filter((_, nth) => nth !== at);
}
