import type { EventView } from "@ringrift/envelope";
import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

interface Topics {
  "training.completed": { loss: number };
  "data.new_games": { count: number };
}

/** A catalogue's view by hand: the topics, and what other buses call them. */
const OTHERS = new Map([
  ["training_completed", "training.completed"],
  ["TRAINING_COMPLETED", "training.completed"],
  ["new_games", "data.new_games"],
]);
const events: EventView<Topics> = {
  kind: "topics",
  names: new Set(["training.completed", "data.new_games"]),
  canonical: (name) => OTHERS.get(name),
};

describe("a bus with a catalogue's events", () => {
  it("refuses another bus's name of an event, and names the topic", async () => {
    const bus = createEventBus({ events });
    const wrong = "TRAINING_COMPLETED" as "training.completed";
    const refused = expect.objectContaining({
      name: "EventBusError",
      code: "WRONG_NAME",
      message: expect.stringContaining('"training.completed"'),
    });
    expect(() => bus.subscribe(wrong, () => {})).toThrow(refused);
    expect(() => bus.subscribe({ topic: wrong }, () => {})).toThrow(refused);
    expect(() => bus.publishSync(wrong, { loss: 1 })).toThrow(refused);
    await expect(bus.publish(wrong, { loss: 1 })).rejects.toEqual(refused);
    await expect(bus.publish({ topic: wrong, metadata: { loss: 1 } })).rejects.toEqual(refused);
    await expect(bus.waitFor(wrong)).rejects.toEqual(refused);
    expect(() => bus.getHistory({ topic: wrong })).toThrow(refused);
    expect(() => bus.subscribe("training_completed" as never, () => {})).toThrow(refused);
    expect(bus.getHistory()).toEqual([]);
  });

  it("delivers its own topics, and others at run time", async () => {
    const bus = createEventBus({ events });
    const seen: string[] = [];
    bus.subscribe("**", (event) => seen.push(event.topic));
    await bus.publish("training.completed", { loss: 1 });
    await bus.publish("local.only" as never, undefined as never);
    expect(seen).toEqual(["training.completed", "local.only"]);
  });
});
