import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AnyCatalogue,
  defineCatalogue,
  emitterName,
  event,
  type EventDefinition,
  mappingTables,
  named,
  outcomeTopic,
  validateMappings,
} from "../src/index.ts";

/** Sound catalogues: any number of domains, each with events, stages, aliases and a failure. */
const catalogues: fc.Arbitrary<AnyCatalogue> = fc
  .array(
    fc.record({
      stages: fc.nat({ max: 3 }),
      renamed: fc.boolean(),
      alias: fc.boolean(),
      local: fc.boolean(),
      hyphen: fc.boolean(),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((drafts) => {
    const definitions: Record<string, EventDefinition> = {};
    for (const [index, draft] of drafts.entries()) {
      const topic = `d${index}.was${draft.hyphen ? "-" : "_"}done`;
      definitions[topic] = named()({
        stages: Array.from({ length: draft.stages }, (_, n) => `stage_${index}_${n}`),
        failure: `d${index}.broken`,
        ...(draft.renamed && { data: `data_${index}` }),
        ...(draft.renamed && !draft.local && { crossProcess: `QUEUE_${index}` }),
        ...(draft.alias && { aliases: [`ALIAS_${index}`] }),
        local: draft.local,
      });
      definitions[`d${index}.broken`] = named()({ local: draft.local });
    }
    return defineCatalogue(definitions);
  });

describe("every sound catalogue", () => {
  it("passes its own validation", () => {
    fc.assert(
      fc.property(catalogues, (catalogue) => {
        expect(validateMappings(catalogue)).toEqual([]);
      }),
    );
  });

  it("commutes: stage → data → queue is stage → queue", () => {
    fc.assert(
      fc.property(catalogues, (catalogue) => {
        const tables = mappingTables(catalogue);
        for (const [stage, data] of Object.entries(tables.stageToData)) {
          expect(tables.dataToCrossProcess[data]).toBe(tables.stageToCrossProcess[stage]);
        }
      }),
    );
  });

  it("inverts: every spelling of an event leads back to it", () => {
    fc.assert(
      fc.property(catalogues, (catalogue) => {
        for (const entry of catalogue.entries.values()) {
          const { topic, data, crossProcess, stages, aliases } = entry;
          const names = [
            topic,
            data,
            ...stages,
            ...aliases,
            ...(crossProcess ? [crossProcess] : []),
          ];
          expect(names.map((name) => catalogue.entryFor(name)?.topic)).toEqual(
            names.map(() => topic),
          );
          expect(names.map((name) => catalogue.topics.canonical(name))).toEqual(
            names.map(() => topic),
          );
          expect(names.map((name) => catalogue.queue.canonical(name))).toEqual(
            names.map(() => crossProcess),
          );
        }
      }),
    );
  });

  it("never lets a failed stage out under a success name", () => {
    fc.assert(
      fc.property(catalogues, (catalogue) => {
        for (const stage of catalogue.stages.names) {
          const failed = outcomeTopic(catalogue, stage, false);
          expect(catalogue.entryForTopic(failed ?? "")?.isFailure).toBe(true);
        }
      }),
    );
  });
});

describe("any name", () => {
  const catalogue = defineCatalogue({ "order.placed": event() });
  const known = new Set(["order.placed", "order_placed", "ORDER_PLACED"]);

  it("that is no spelling of an event is unknown on every bus", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        fc.pre(!known.has(name));
        expect(catalogue.entryFor(name)).toBeUndefined();
        expect(catalogue.topics.canonical(name)).toBeUndefined();
      }),
    );
  });

  it("that is a topic gives an emitter name without separators", () => {
    const segment = fc.stringMatching(/^[a-z0-9_-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        expect(emitterName(segments.join("."))).toMatch(/^[a-zA-Z0-9]*$/);
      }),
    );
  });
});
