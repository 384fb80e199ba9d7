import type { AnyCatalogue } from "@ringrift/mappings";
import { CoordinatorError } from "./errors.ts";
import type { CoordinatorOptions } from "./options.ts";

const OPTIONS = [
  "bridges",
  "bus",
  "catalogue",
  "catchUp",
  "node",
  "onError",
  "queue",
  "spoolLimit",
  "stages",
];

/**
 * Refuses what would otherwise be ignored in silence.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 */
export function checkCoordinatorOptions(options: CoordinatorOptions<AnyCatalogue>): void {
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key));
  if (unknown !== undefined) {
    throw invalid(unknown, "unknown", `Use one of ${OPTIONS.join(", ")}.`);
  }
  const { node, spoolLimit } = options;
  if (node !== undefined && (typeof node !== "string" || node === "")) {
    throw invalid("node", JSON.stringify(node), 'Give the node a name, e.g. "trainer-1", or none.');
  }
  if (spoolLimit !== undefined && !(Number.isSafeInteger(spoolLimit) && spoolLimit >= 0)) {
    throw invalid("spoolLimit", String(spoolLimit), "Give a whole number of events from 0.");
  }
}

function invalid(option: string, value: string, advice: string): CoordinatorError {
  return new CoordinatorError("INVALID_OPTION", `Option "${option}" is ${value}. ${advice}`);
}
