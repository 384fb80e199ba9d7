import type { EventView } from "@ringrift/envelope";
import { describe, expectTypeOf, it } from "vitest";
import {
  type AnyCatalogue,
  defineCatalogue,
  type EmitterName,
  event,
  fromGuidePayload,
  getCrossProcessEventType,
  getDataEventType,
  getStageEventType,
  named,
  selfplayCatalogue,
  STAGE_TO_CROSS_PROCESS_MAP,
} from "../src/index.ts";

type ContractsOf<View> = View extends EventView<infer C> ? C : never;

const shop = defineCatalogue({
  "order.placed": event<{ id: string; cents: number }>(),
  "parcel.sent": named<{ parcel: string }>()({
    stages: ["shipping_complete", "express_complete"],
    crossProcess: "PARCEL_OUT",
    failure: "parcel.lost",
  }),
  "parcel.lost": event<{ where: string }>(),
  "cart.hovered": named<{ x: number }>()({ local: true }),
});

describe("a catalogue's types", () => {
  it("give each topic its payload", () => {
    expectTypeOf<ContractsOf<typeof shop.topics>>().toEqualTypeOf<{
      "order.placed": { id: string; cents: number };
      "parcel.sent": { parcel: string };
      "parcel.lost": { where: string };
      "cart.hovered": { x: number };
    }>();
  });

  it("derive the queue's names, and leave out what is local", () => {
    expectTypeOf<ContractsOf<typeof shop.queue>>().toEqualTypeOf<{
      ORDER_PLACED: { id: string; cents: number };
      PARCEL_OUT: { parcel: string };
      PARCEL_LOST: { where: string };
    }>();
  });

  it("let a stage carry the fields of its success and of its failure, none of them required", () => {
    type Stages = ContractsOf<typeof shop.stages>;
    expectTypeOf<keyof Stages>().toEqualTypeOf<"shipping_complete" | "express_complete">();
    expectTypeOf<{ success: true; parcel: string }>().toExtend<Stages["shipping_complete"]>();
    expectTypeOf<{ success: false; where: string; error: string }>().toExtend<
      Stages["express_complete"]
    >();
    expectTypeOf<{ parcel: number }>().not.toExtend<Stages["shipping_complete"]>();
  });

  it("know the queue names of the self-play catalogue", () => {
    type Queue = ContractsOf<typeof selfplayCatalogue.queue>;
    expectTypeOf<Queue["NEW_GAMES_AVAILABLE"]["count"]>().toEqualTypeOf<number>();
    expectTypeOf<"DATA_NEW_GAMES">().not.toExtend<keyof Queue>();
  });

  it("fit wherever any catalogue does", () => {
    expectTypeOf(shop).toExtend<AnyCatalogue>();
    expectTypeOf(selfplayCatalogue).toExtend<AnyCatalogue>();
  });
});

describe("the lookups' types", () => {
  it("are literals for literal names", () => {
    expectTypeOf(getDataEventType("training_complete")).toEqualTypeOf<"training_completed">();
    expectTypeOf(getDataEventType("selfplay_complete")).toEqualTypeOf<"new_games">();
    expectTypeOf(
      getCrossProcessEventType("training_completed"),
    ).toEqualTypeOf<"TRAINING_COMPLETED">();
    expectTypeOf(
      getCrossProcessEventType("evaluation_complete", "stage"),
    ).toEqualTypeOf<"EVALUATION_COMPLETED">();
    expectTypeOf(getStageEventType("new_games")).toEqualTypeOf<"selfplay_complete">();
    expectTypeOf(STAGE_TO_CROSS_PROCESS_MAP.pbt_complete).toEqualTypeOf<"PBT_COMPLETE">();
  });

  it("are undefined for a literal that is no name of that bus", () => {
    expectTypeOf(getDataEventType("training_completed")).toEqualTypeOf<undefined>();
    expectTypeOf(getCrossProcessEventType("constructor")).toEqualTypeOf<undefined>();
  });

  it("stay open for a name known at run time only", () => {
    const name: string = "training_complete";
    expectTypeOf<undefined>().toExtend<ReturnType<typeof getDataEventType<string>>>();
    expectTypeOf(getCrossProcessEventType(name, "stage")).toExtend<string | undefined>();
  });

  it("spell emitters as the process does", () => {
    expectTypeOf<EmitterName<"training.completed">>().toEqualTypeOf<"trainingCompleted">();
    expectTypeOf<EmitterName<"data.new_games">>().toEqualTypeOf<"dataNewGames">();
    expectTypeOf<EmitterName<"order.line-added">>().toEqualTypeOf<"orderLineAdded">();
  });
});

describe("mistakes that don't compile", () => {
  it("a metadata field the payload doesn't have", () => {
    // @ts-expect-error no such field
    expectTypeOf(named<{ id: string }>()({ metadata: ["cents"] })).toBeObject();
  });

  it("a misspelt field of the guide", () => {
    const drifted = { modelId: "v3", old_elo: 1, new_elo: 2 };
    // @ts-expect-error the guide says model_id
    expectTypeOf(fromGuidePayload("elo.updated", drifted)).toBeObject();
  });

  it("an unknown entry of a table", () => {
    // @ts-expect-error a data name is not a stage
    expectTypeOf(STAGE_TO_CROSS_PROCESS_MAP.training_completed).toBeAny();
  });
});
