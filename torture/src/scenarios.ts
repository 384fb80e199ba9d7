import type { Scenario } from "./scenario.ts";
import { bridge } from "./scenarios/bridge.ts";
import { clock } from "./scenarios/clock.ts";
import { cpu } from "./scenarios/cpu.ts";
import { damaged } from "./scenarios/damaged.ts";
import { deleted } from "./scenarios/deleted.ts";
import { freeze } from "./scenarios/freeze.ts";
import { fullDisk } from "./scenarios/full-disk.ts";
import { hotKey } from "./scenarios/hot-key.ts";
import { indexDeleted } from "./scenarios/index-deleted.ts";
import { keys } from "./scenarios/keys.ts";
import { kill } from "./scenarios/kill.ts";
import { locked } from "./scenarios/locked.ts";
import { neighbour } from "./scenarios/neighbour.ts";
import { powerCut } from "./scenarios/power-cut.ts";
import { reopen } from "./scenarios/reopen.ts";
import { slow } from "./scenarios/slow.ts";
import { twoVersions } from "./scenarios/two-versions.ts";

export const scenarios: readonly Scenario[] = [
  kill,
  freeze,
  locked,
  neighbour,
  fullDisk,
  powerCut,
  clock,
  deleted,
  indexDeleted,
  damaged,
  slow,
  cpu,
  hotKey,
  twoVersions,
  reopen,
  bridge,
  keys,
];
