import { describe, expect, it } from "vitest";
import { didYouMean, selfplayCatalogue } from "../src/index.ts";

const topics = selfplayCatalogue.topics.names;

describe("a mistyped name", () => {
  it.each([
    ["trainig.completed", "training.completed"],
    ["training.compelted", "training.completed"],
    ["Training.Completed", "training.completed"],
    ["model_promoted", "model.promoted"],
  ])("%s is answered with %s", (name, meant) => {
    expect(didYouMean(name, topics)).toBe(`Did you mean "${meant}"?`);
  });

  it("that is as near to several gets all of them", () => {
    expect(didYouMean("order.pai", ["order.paid", "order.pair", "order.lost"])).toBe(
      'Did you mean "order.paid" or "order.pair"?',
    );
  });

  it("near to none gets at most three of its domain", () => {
    const names = ["order.placed", "order.paid", "order.failed", "order.returned", "cart.changed"];
    expect(didYouMean("order.shipped", names)).toBe(
      'Did you mean "order.failed", "order.placed" or "order.paid"?',
    );
  });

  it("like nothing there, or far too long, gets no guess", () => {
    expect(didYouMean("weather.changed", ["order.placed"])).toBeUndefined();
    expect(didYouMean(`order.${"x".repeat(300)}`, ["order.placed"])).toBeUndefined();
    expect(didYouMean("order.placed", [])).toBeUndefined();
  });
});
