import { describe, expect, it } from "vitest";
import {
  type AnyCatalogue,
  type CatalogueEntry,
  defineCatalogue,
  event,
  type EventDefinitions,
  mappingTables,
  type MappingTables,
  named,
  selfplayCatalogue,
  validateMappings,
  validateTables,
} from "../src/index.ts";

const sound = {
  "cake.baked": named<{ id: string }>()({
    stages: ["bake_complete", "quick_bake_complete"],
    data: "baked_cake",
  }),
  "cake.failed": named<{ id: string }>()({ stages: ["bake_failed"] }),
};

function codes(definitions: EventDefinitions): string[] {
  return validateMappings(defineCatalogue(definitions)).map((problem) => problem.code);
}

/** A sound catalogue, one entry of which is told otherwise: what only a hand-made catalogue can be. */
function tampered(change: (entry: CatalogueEntry) => Partial<CatalogueEntry>): AnyCatalogue {
  const catalogue = defineCatalogue(sound);
  const entries = new Map(
    [...catalogue.entries].map(([topic, entry]) => [topic, { ...entry, ...change(entry) }]),
  );
  const find = (test: (entry: CatalogueEntry) => boolean): CatalogueEntry | undefined =>
    [...entries.values()].find(test);
  return {
    ...catalogue,
    entries,
    entryForTopic: (name) => entries.get(name),
    entryForStage: (name) => find((entry) => entry.stages.includes(name)),
    entryForQueue: (name) => find((entry) => entry.crossProcess === name),
    entryForData: (name) => find((entry) => entry.data === name),
  };
}

describe("validateMappings", () => {
  it("finds nothing wrong with a sound catalogue", () => {
    expect(codes(sound)).toEqual([]);
  });

  it("finds a failure topic that nobody defined, given or by default", () => {
    expect(codes({ "cake.baked": sound["cake.baked"] })).toEqual(["MISSING_FAILURE"]);
    expect(
      codes({ "cake.baked": named()({ stages: ["bake_complete"], failure: "cake.burnt" }) }),
    ).toEqual(["MISSING_FAILURE"]);
  });

  it("finds a rejection topic that nobody defined", () => {
    const baked = named()({ stages: ["bake_complete"], rejection: "cake.refused" });
    expect(codes({ ...sound, "cake.baked": baked })).toEqual(["MISSING_FAILURE"]);
  });

  it("finds a failure that is another event's success", () => {
    expect(
      codes({
        ...sound,
        "cake.iced": named()({ stages: ["icing_complete"], failure: "cake.baked" }),
        "cake.baked": named()({ stages: ["bake_complete"], failure: "cake.failed" }),
      }),
    ).toContain("FAILURE_NOT_TERMINAL");
  });

  it("finds a failure that stays in its process while the success travels", () => {
    expect(
      codes({ ...sound, "cake.failed": named()({ stages: ["bake_failed"], local: true }) }),
    ).toEqual(["FAILURE_STAYS_LOCAL"]);
  });

  it.each([
    ["a queue name that is not UPPERCASE_SNAKE", { crossProcess: "cake-iced" }],
    ["a data name that is not snake_case", { data: "cakeIced" }],
    ["a stage that is not snake_case", { stages: ["ICING_COMPLETE"], failure: "cake.failed" }],
  ])("finds %s", (_, options) => {
    expect(codes({ ...sound, "cake.iced": named()(options) })).toEqual(["BAD_GRAMMAR"]);
  });

  it("finds a topic from which no queue name follows", () => {
    expect(codes({ "3d.printed": event() })).toEqual(["BAD_GRAMMAR", "BAD_GRAMMAR"]);
  });

  it("finds a spelling that two buses understand differently, and nothing answers to it", () => {
    const catalogue = defineCatalogue({
      ...sound,
      "bake.complete": event(),
    });
    expect(validateMappings(catalogue)).toMatchObject([
      { code: "AMBIGUOUS_NAME", name: "bake_complete" },
    ]);
    expect(catalogue.entryFor("bake_complete")).toBeUndefined();
  });

  it("finds two topics with one emitter name", () => {
    expect(
      codes({ "a.b_c": event(), "a.b.c": named()({ data: "other", crossProcess: "OTHER" }) }),
    ).toEqual(["EMITTER_COLLISION"]);
  });

  it("finds an event without a queue name that is not declared local", () => {
    const problems = validateMappings(tampered(() => ({ crossProcess: undefined })));
    expect(new Set(problems.map((problem) => problem.code))).toEqual(new Set(["UNMAPPED"]));
  });

  it("says nothing about an event that is declared local", () => {
    expect(codes({ "mouse.moved": named()({ local: true }) })).toEqual([]);
  });

  it("finds a queue name that leads back to another event", () => {
    const problems = validateMappings(tampered(() => ({ crossProcess: "CAKE" })));
    expect(problems).toContainEqual(
      expect.objectContaining({ code: "NOT_INVERTIBLE", name: "CAKE" }),
    );
  });

  it("finds a stage that leads nowhere", () => {
    const broken = { ...defineCatalogue(sound), entryForStage: () => undefined };
    expect(validateMappings(broken)).toContainEqual(
      expect.objectContaining({ code: "UNKNOWN_TARGET", name: "bake_complete" }),
    );
  });

  it("finds a stage without a failure", () => {
    const problems = validateMappings(
      tampered((entry) => (entry.topic === "cake.baked" ? { failure: undefined } : {})),
    );
    expect(problems.map((problem) => problem.code)).toEqual(["MISSING_FAILURE"]);
  });

  it("says in each problem what to do", () => {
    const [problem] = validateMappings(defineCatalogue({ "cake.baked": sound["cake.baked"] }));
    expect(problem?.message).toBe(
      '"cake.baked" fails as "cake.failed", which is not in the catalogue. Define it, or name another with "failure".',
    );
  });
});

describe("validateTables", () => {
  const tables: MappingTables = mappingTables(selfplayCatalogue);

  it("finds nothing wrong with the tables of a sound catalogue", () => {
    expect(validateTables(tables)).toEqual([]);
  });

  it("finds a path that does not commute", () => {
    const direct = { ...tables.stageToCrossProcess, cmaes_complete: "CMAES_COMPLETE" };
    expect(validateTables({ ...tables, stageToCrossProcess: direct })).toMatchObject([
      { code: "NOT_COMMUTING", name: "cmaes_complete" },
      { code: "UNKNOWN_TARGET", name: "CMAES_COMPLETE" },
    ]);
  });

  it("finds a stage that leads to a queue but to no topic", () => {
    const { iteration_complete: _, ...stageToData } = tables.stageToData;
    expect(validateTables({ ...tables, stageToData }).map((problem) => problem.code)).toContain(
      "UNMAPPED",
    );
  });

  it("finds a data name that comes back as another", () => {
    const crossProcessToData = { ...tables.crossProcessToData, ELO_UPDATED: "new_games" };
    expect(
      validateTables({ ...tables, crossProcessToData }).map(({ code, name }) => [code, name]),
    ).toEqual([
      ["NOT_INVERTIBLE", "elo_updated"],
      ["NOT_INVERTIBLE", "ELO_UPDATED"],
    ]);
  });

  it("finds a data name whose stage belongs to another", () => {
    const dataToStage = { ...tables.dataToStage, elo_updated: "training_complete" };
    expect(validateTables({ ...tables, dataToStage })).toMatchObject([
      { code: "NOT_INVERTIBLE", name: "elo_calibration_complete" },
    ]);
  });

  it("finds the ten paths of the guide's original tables that did not commute", () => {
    const spelledAnew = {
      selfplay_complete: "SELFPLAY_BATCH_COMPLETE",
      canonical_selfplay_complete: "CANONICAL_SELFPLAY_COMPLETE",
      gpu_selfplay_complete: "GPU_SELFPLAY_COMPLETE",
      cluster_sync_complete: "CLUSTER_SYNC_COMPLETE",
      model_sync_complete: "MODEL_SYNC_COMPLETE",
      shadow_tournament_complete: "SHADOW_TOURNAMENT_COMPLETE",
      elo_calibration_complete: "ELO_CALIBRATION_COMPLETE",
      tier_gating_complete: "TIER_GATING_COMPLETE",
      cmaes_complete: "CMAES_COMPLETE",
      nas_complete: "NAS_COMPLETE",
    };
    const original = {
      ...tables,
      stageToCrossProcess: { ...tables.stageToCrossProcess, ...spelledAnew },
    };
    const found = validateTables(original).filter((problem) => problem.code === "NOT_COMMUTING");
    expect(found.map((problem) => problem.name).toSorted()).toEqual(
      Object.keys(spelledAnew).toSorted(),
    );
  });
});

describe("a text from outside", () => {
  const hostile = "\u001b[2J\u202e\nINFO forged";
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const unseen = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/;

  it("is written out in errors of a definition, and in problems", () => {
    for (const definitions of [{ [hostile]: event() }, { "a.b": { [hostile]: 1 } }]) {
      expect(() => defineCatalogue(definitions as never)).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching(unseen) }),
      );
    }
    const tables = mappingTables(selfplayCatalogue);
    const stageToData = { ...tables.stageToData, training_complete: hostile };
    const problems = [...validateTables({ ...tables, stageToData })];
    const wrong = defineCatalogue({ "a.b": named()({ stages: [hostile] }) } as never);
    problems.push(...validateMappings(wrong));
    expect(problems.map(({ code }) => code)).toContain("BAD_GRAMMAR");
    for (const { message } of problems) expect(message).not.toMatch(unseen);
  });
});
