import { defineCatalogue, named, selfplayCatalogue } from "@ringrift/mappings";
import { describe, expect, it } from "vitest";
import { toTopicEvent } from "../src/index.ts";

describe("the topic event of a stage result", () => {
  it("has the result's fields without its stage, which travels next to them", () => {
    expect(
      toTopicEvent(selfplayCatalogue, {
        stage: "canonical_selfplay_complete",
        success: true,
        configKey: "hex7_2p",
        count: 40,
        metadata: { host: "gpu-1" },
      }),
    ).toEqual({
      topic: "data.new_games",
      payload: { success: true, configKey: "hex7_2p", count: 40 },
      stage: "canonical_selfplay_complete",
      metadata: { host: "gpu-1", stage: "canonical_selfplay_complete" },
    });
  });

  it.each([...selfplayCatalogue.stages.names])(
    "of a failed %s has a failure's topic and its error",
    (stage) => {
      const event = toTopicEvent(selfplayCatalogue, { stage, success: false, error: "boom" });
      expect(selfplayCatalogue.entryForTopic(event?.topic ?? "")?.isFailure).toBe(true);
      expect(event?.payload).toEqual({ success: false, error: "boom" });
    },
  );

  it("of a promotion that was turned down is a rejection, not a failure", () => {
    const rejected = { stage: "promotion_complete", success: false, reason: "win rate 0.48" };
    expect(toTopicEvent(selfplayCatalogue, rejected)?.topic).toBe("promotion.rejected");
    expect(toTopicEvent(selfplayCatalogue, { ...rejected, error: "disk full" })?.topic).toBe(
      "promotion.failed",
    );
  });

  it("takes over the metadata fields that the catalogue declares, and no others", () => {
    const shop = defineCatalogue({
      "parcel.sent": named<{ id: string; weight: number }>()({
        stages: ["shipped"],
        failure: "parcel.lost",
        metadata: ["id", "weight"],
      }),
      "parcel.lost": named<{ id: string }>()({}),
    });
    const result = { stage: "shipped", success: true, id: "p1" };
    const metadata = { id: "another", weight: 3, host: "h" };
    expect(toTopicEvent(shop, { ...result, metadata })?.payload).toEqual({
      success: true,
      id: "p1",
      weight: 3,
    });
  });

  it("is undefined for a stage that the catalogue doesn't have", () => {
    expect(
      toTopicEvent(selfplayCatalogue, { stage: "constructor", success: true }),
    ).toBeUndefined();
  });
});
