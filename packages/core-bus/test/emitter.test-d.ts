import { EventEmitter as NodeEmitter } from "node:events";
import { EventEmitter } from "eventemitter3";
import { describe, expectTypeOf, test } from "vitest";
import {
  createEventBus,
  type Forwarding,
  fromEventEmitter,
  toEventEmitter,
  type TopicEmitter,
} from "../src/index.ts";

interface Topics {
  "training.started": { configKey: string };
  "training.completed": { loss: number };
  "data.new_games": { count: number };
  "cluster.tick": undefined;
}

const bus = createEventBus<Topics>();
const events = toEventEmitter(bus);

describe("an emitter of a typed bus", () => {
  test("is an eventemitter3 whose listeners get the payloads", () => {
    events.on("training.completed", (payload) => {
      expectTypeOf(payload).toEqualTypeOf<{ loss: number }>();
    });
    events.once("cluster.tick", (...args) => {
      expectTypeOf(args).toEqualTypeOf<[payload?: undefined]>();
    });
    const plain: EventEmitter<{ "training.completed": [payload: { loss: number }] }> =
      toEventEmitter(createEventBus<{ "training.completed": { loss: number } }>());
    expectTypeOf(plain.emit("training.completed", { loss: 1 })).toEqualTypeOf<boolean>();
    expectTypeOf(events.on("cluster.tick", () => {})).toEqualTypeOf(events);
  });

  test("gives a pattern's listener the payloads of its topics", () => {
    events.on("training.*", (payload) => {
      expectTypeOf(payload).toEqualTypeOf<{ configKey: string } | { loss: number }>();
    });
    expectTypeOf(events.event?.topic).toEqualTypeOf<string | undefined>();
  });

  test("refuses a wrong name and a wrong payload", () => {
    // @ts-expect-error: misspelt
    events.on("training.complete", () => {});
    // @ts-expect-error: misspelt
    events.emit("training.complete", { loss: 1 });
    // @ts-expect-error: a string is not a loss
    events.emit("training.completed", { loss: "low" });
    // @ts-expect-error: the payload is missing
    events.emit("training.completed");
    // @ts-expect-error: one payload an event
    events.emit("training.completed", { loss: 1 }, 2);
    events.emit("cluster.tick");
  });
});

describe("an emitter of an untyped bus", () => {
  const untyped = toEventEmitter(createEventBus());

  test("takes any name and any arguments", () => {
    untyped.on("a.b", (one: number, two: string) => [one, two]);
    untyped.on("a.*", () => {});
    expectTypeOf(untyped.emit("a.b", 1, "two")).toBeBoolean();
  });

  test("takes the event map of the emitter that it stands for", () => {
    interface Legacy {
      "user.joined": (name: string, age: number) => void;
      "user.left": [name: string];
    }
    const legacy: TopicEmitter<Legacy> = toEventEmitter(createEventBus());
    legacy.on("user.joined", (name, age) => {
      expectTypeOf(name).toEqualTypeOf<string>();
      expectTypeOf(age).toEqualTypeOf<number>();
    });
    const asPlain: EventEmitter<Legacy> = legacy;
    expectTypeOf(asPlain.emit("user.left", "Ada")).toBeBoolean();
    // @ts-expect-error: an age is a number
    legacy.emit("user.joined", "Ada", "old");
  });

  test("cannot be given an event map that contradicts the bus", () => {
    // @ts-expect-error: on this bus a loss is in an object
    const wrong: TopicEmitter<{ "training.completed": [loss: number] }> = toEventEmitter(bus);
    expectTypeOf(wrong).toBeObject();
    const more: TopicEmitter<{ "training.completed": [payload: { loss: number }, by: string] }> =
      toEventEmitter(bus);
    expectTypeOf(more.emit("training.completed", { loss: 1 }, "trainer")).toBeBoolean();
  });
});

describe("fromEventEmitter", () => {
  const typed = new EventEmitter<{
    done: [result: { loss: number }];
    counted: (count: number, where: string) => void;
    ticked: [];
  }>();

  test("takes a map whose topics fit the arguments", () => {
    const forwarding = fromEventEmitter(typed, bus, {
      done: "training.completed",
      ticked: "cluster.tick",
      counted: {
        topic: "data.new_games",
        payload: (count, where) => {
          expectTypeOf(count).toEqualTypeOf<number>();
          expectTypeOf(where).toEqualTypeOf<string>();
          return { count };
        },
      },
    });
    expectTypeOf(forwarding).toEqualTypeOf<Forwarding>();
  });

  test("refuses a wrong event, topic or payload", () => {
    // @ts-expect-error: the emitter has no such event
    fromEventEmitter(typed, bus, { finished: "training.completed" });
    // @ts-expect-error: the bus has no such topic
    fromEventEmitter(typed, bus, { done: "training.complete" });
    // @ts-expect-error: the topic has another payload
    fromEventEmitter(typed, bus, { done: "data.new_games" });
    // @ts-expect-error: a topic, not a pattern
    fromEventEmitter(typed, bus, { done: "training.*" });
    fromEventEmitter(typed, bus, {
      // @ts-expect-error: the function makes another payload
      counted: { topic: "data.new_games", payload: (count) => ({ sum: count }) },
    });
  });

  test("takes an untyped emitter, eventemitter3's or Node's, with the bus's names checked", () => {
    fromEventEmitter(new EventEmitter(), bus, { done: "training.completed" });
    fromEventEmitter(new NodeEmitter(), bus, {
      done: "training.completed",
      counted: { topic: "data.new_games", payload: (count: number) => ({ count }) },
    });
    // @ts-expect-error: the bus has no such topic
    fromEventEmitter(new NodeEmitter(), bus, { done: "training.complete" });
    fromEventEmitter(new NodeEmitter(), bus, {
      // @ts-expect-error: the function makes another payload
      counted: { topic: "data.new_games", payload: (count: string) => ({ count }) },
    });
  });

  test("carries into an untyped bus whatever comes", () => {
    fromEventEmitter(typed, createEventBus(), { done: "a.b", ticked: "tick" });
  });
});
