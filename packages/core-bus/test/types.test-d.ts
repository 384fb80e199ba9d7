import type { EventLineage, EventView } from "@ringrift/envelope";
import { describe, expectTypeOf, test } from "vitest";
import {
  type BusEvent,
  createEventBus,
  type Delivery,
  type EventBus,
  getEventBus,
  type HandlerError,
  type Subscription,
} from "../src/index.ts";

interface Topics {
  "training.started": { configKey: string };
  "training.completed": { loss: number };
  "training.epoch.completed": { epoch: number };
  "data.new_games": { count: number };
  "cluster.tick": undefined;
}

const bus = createEventBus<Topics>();

describe("a typed bus", () => {
  test("gives the handler of a topic its payload", () => {
    bus.subscribe("training.completed", (event) => {
      expectTypeOf(event).toEqualTypeOf<BusEvent<"training.completed", { loss: number }>>();
    });
    bus.once("data.new_games", ({ payload }) => {
      expectTypeOf(payload).toEqualTypeOf<{ count: number }>();
    });
  });

  test("refuses a RegExp where a filter belongs", () => {
    // @ts-expect-error: write { topicPattern: /^training/ }
    bus.subscribe(/^training/, () => {});
    bus.subscribe({ topicPattern: /^training/ }, () => {});
  });

  test("refuses a topic that isn't one, on that argument", () => {
    // @ts-expect-error: misspelt
    bus.subscribe("training.complete", () => {});
    bus.subscribe(
      // @ts-expect-error: the error stands at the topic, not at the call
      "training.complete",
      () => {},
    );
    // @ts-expect-error: misspelt
    void bus.publish("training.complete", { loss: 1 });
    // @ts-expect-error: misspelt
    bus.subscribe({ topic: "training.complete" }, () => {});
    // @ts-expect-error: misspelt
    void bus.waitFor("training.complete");
    // @ts-expect-error: misspelt
    const events = bus.getHistory({ topic: "training.complete" });
    expectTypeOf(events).toBeArray();
  });

  test("refuses a wrong, missing or superfluous payload", () => {
    // @ts-expect-error: a string is not a loss
    void bus.publish("training.completed", { loss: "low" });
    // @ts-expect-error: the payload is missing
    void bus.publish("training.completed");
    // @ts-expect-error: no such field
    bus.publishSync("training.completed", { loss: 1, lost: 2 });
    void bus.publish("cluster.tick");
    expectTypeOf(bus.publishSync("cluster.tick")).toBeNumber();
    // @ts-expect-error: this topic has no payload
    bus.publishSync("cluster.tick", { count: 1 });
  });

  test("gives a pattern's handler the union of its topics, discriminated by topic", () => {
    bus.subscribe("training.*", (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<"training.started" | "training.completed">();
      if (event.topic === "training.completed") {
        expectTypeOf(event.payload).toEqualTypeOf<{ loss: number }>();
      }
    });
    bus.subscribe("training.**", (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<
        "training.started" | "training.completed" | "training.epoch.completed"
      >();
    });
    bus.subscribe("{training,data}.*", (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<
        "training.started" | "training.completed" | "data.new_games"
      >();
    });
    bus.subscribe({ topicPattern: /^training\./ }, (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<keyof Topics>();
    });
  });

  test("gives a filter's handler and predicate the event of its topic", () => {
    bus.subscribe(
      { topic: "training.completed", source: "trainer", where: (event) => event.payload.loss < 1 },
      (event) => {
        expectTypeOf(event.payload).toEqualTypeOf<{ loss: number }>();
      },
    );
    // @ts-expect-error: a filter has no such field
    bus.subscribe({ pattern: "training.*" }, () => {});
  });

  test("types predicates, waits, streams, histories and replays alike", async () => {
    bus.subscribe("training.completed", () => {}, { where: (event) => event.payload.loss < 1 });
    // @ts-expect-error: no such field in this payload
    bus.subscribe("training.completed", () => {}, { where: (event) => event.payload.count < 1 });
    const waited = await bus.waitFor("training.completed", { where: (e) => e.payload.loss > 0 });
    expectTypeOf(waited.payload).toEqualTypeOf<{ loss: number }>();
    for await (const event of bus.stream("data.*")) {
      expectTypeOf(event).toEqualTypeOf<BusEvent<"data.new_games", { count: number }>>();
    }
    expectTypeOf(bus.getHistory({ topic: "data.new_games" })).toEqualTypeOf<
      BusEvent<"data.new_games", { count: number }>[]
    >();
    expectTypeOf(bus.getHistory()).items.toHaveProperty("topic").toEqualTypeOf<keyof Topics>();
    await bus.replay((event) => expectTypeOf(event.payload).toEqualTypeOf<{ count: number }>(), {
      topic: "data.new_games",
    });
  });

  test("types what a publish gives", async () => {
    const delivery = await bus.publish("training.completed", { loss: 1 }, { source: "trainer" });
    expectTypeOf(delivery).toEqualTypeOf<
      Delivery<BusEvent<"training.completed", { loss: number }>>
    >();
    expectTypeOf(delivery.errors).toEqualTypeOf<readonly HandlerError[]>();
    expectTypeOf(bus.publishSync("training.completed", { loss: 1 })).toEqualTypeOf<number>();
    // @ts-expect-error: misspelt option
    await bus.publish("training.completed", { loss: 1 }, { onFail: "throw" });
  });

  test("takes the object form, in which metadata alone is the payload too", async () => {
    const { event } = await bus.publish({ topic: "training.completed", metadata: { loss: 0.01 } });
    expectTypeOf(event.payload).toEqualTypeOf<{ loss: number }>();
    await bus.publish({
      topic: "training.completed",
      payload: { loss: 0.01 },
      metadata: { by: 1 },
    });
    // @ts-expect-error: metadata that stands for the payload has its type
    await bus.publish({ topic: "training.completed", metadata: { lost: 0.01 } });
    // @ts-expect-error: misspelt
    await bus.publish({ topic: "training.complete", metadata: { loss: 0.01 } });
  });

  test("takes its topics from a catalogue's view", () => {
    const view = {} as EventView<{ "order.placed": { cents: number } }>;
    const typed = createEventBus({ events: view });
    expectTypeOf(typed).toEqualTypeOf<EventBus<{ "order.placed": { cents: number } }>>();
    typed.subscribe("order.placed", (event) => {
      expectTypeOf(event.payload.cents).toEqualTypeOf<number>();
    });
    // @ts-expect-error: not in the catalogue
    typed.subscribe("order.paid", () => {});
  });

  test("decorates methods and functions that can take its event", () => {
    class Trainer {
      losses: number[] = [];

      @bus.subscriber("training.completed")
      onCompleted(event: BusEvent<"training.completed", { loss: number }>): void {
        this.losses.push(event.payload.loss);
      }

      @bus.subscriber("training.*")
      async onTraining(event: BusEvent): Promise<void> {
        await Promise.resolve(event.topic);
      }

      // @ts-expect-error: the handler wants another payload
      @bus.subscriber("training.completed")
      onGames(event: BusEvent<"data.new_games", { count: number }>): void {
        this.losses.push(event.payload.count);
      }
    }
    expectTypeOf(new Trainer().losses).toEqualTypeOf<number[]>();
    const handler = bus.subscriber("training.completed")((event) => event.payload.loss);
    expectTypeOf(handler).returns.toEqualTypeOf<number>();
  });
});

describe("an untyped bus", () => {
  test("takes any topic and gives any payload", async () => {
    const untyped = createEventBus();
    expectTypeOf(untyped).toEqualTypeOf<EventBus>();
    untyped.subscribe("anything", (event) => {
      expectTypeOf(event.payload).toBeAny();
    });
    untyped.subscribe("any.*", (event) => {
      expectTypeOf(event.payload).toBeAny();
      expectTypeOf(event.topic).toEqualTypeOf<string>();
    });
    const topic: string = "made.up";
    untyped.subscribe(topic, (event) => event.payload.anything);
    await untyped.publish(topic, { any: 1 });
    await untyped.publish("anything");
    await untyped.publish({ topic: "anything", metadata: { loss: 1 } });
    expectTypeOf(getEventBus()).toEqualTypeOf<EventBus>();
    for (const event of untyped.getHistory({ topic: "x.*" })) {
      expectTypeOf(event.payload).toBeAny();
    }
  });

  test("is what a typed bus may be passed as", () => {
    const anyBus: EventBus = bus;
    expectTypeOf(anyBus.id).toEqualTypeOf<string>();
  });
});

describe("shapes", () => {
  test("an event is a lineage, and a subscription is disposable and callable", () => {
    expectTypeOf<BusEvent>().toExtend<EventLineage>();
    expectTypeOf<Subscription>().toExtend<Disposable>();
    expectTypeOf<Subscription>().toBeCallableWith();
    expectTypeOf<EventBus>().toExtend<AsyncDisposable>();
  });
});
