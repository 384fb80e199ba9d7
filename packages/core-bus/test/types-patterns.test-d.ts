import { describe, expectTypeOf, test } from "vitest";
import {
  type BusEvent,
  createEventBus,
  type EventBus,
  type EventFor,
  type EventOf,
  type Selectable,
  type TopicsMatching,
} from "../src/index.ts";
import type { MATCHES, TablePattern, TableTopic } from "./pattern-table.ts";

type Table = { readonly [T in TableTopic]: { readonly of: T } };

/** The patterns for which the types find other topics than the table says, with what they find. */
type Differences = {
  [P in TablePattern]: Same<TopicsMatching<Table, P>, (typeof MATCHES)[P][number]> extends true
    ? never
    : [P, TopicsMatching<Table, P>];
}[TablePattern];

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

describe("the topics of a pattern", () => {
  test("are those that the bus delivers, for each row of the table", () => {
    expectTypeOf<Differences>().toEqualTypeOf<never>();
  });

  test("are found in an interface as in a type", () => {
    interface Topics {
      "order.placed": { cents: number };
      "order.paid": { by: string };
      "user.joined": undefined;
    }
    expectTypeOf<TopicsMatching<Topics, "order.*">>().toEqualTypeOf<
      "order.placed" | "order.paid"
    >();
    expectTypeOf<EventFor<Topics, "**.p{aid,ut}">>().toEqualTypeOf<
      BusEvent<"order.paid", { by: string }>
    >();
  });

  test("are any topic of an untyped bus", () => {
    expectTypeOf<TopicsMatching<Record<string, number>, "order.*">>().toEqualTypeOf<string>();
  });
});

interface Open {
  "user.joined.late": { late: true };
  "order.placed": { cents: number };
  [topic: `user.${string}`]: { user: string } | { late: true };
  [topic: `${string}.archived`]: { at: number };
  [topic: `job.${number}`]: { job: number };
}

describe("topics with placeholders", () => {
  const bus = createEventBus<Open>();

  test("are subscribed to by name, with the payload of their placeholder", () => {
    bus.subscribe("job.5", (event) => {
      expectTypeOf(event).toEqualTypeOf<BusEvent<"job.5", { job: number }>>();
    });
    const id: number = 5;
    bus.subscribe(`job.${id}`, (event) => {
      expectTypeOf(event.payload).toEqualTypeOf<{ job: number }>();
    });
    bus.subscribe("{job.5,order.placed}", (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<"job.5" | "order.placed">();
    });
  });

  test("are found by every pattern that may match them", () => {
    expectTypeOf<TopicsMatching<Open, "job.*">>().toEqualTypeOf<
      `job.${number}` | `${string}.archived`
    >();
    expectTypeOf<TopicsMatching<Open, "user.*.x">>().toEqualTypeOf<
      `user.${string}` | `${string}.archived`
    >();
    expectTypeOf<TopicsMatching<Open, "us?r.**">>().toEqualTypeOf<
      `user.${string}` | `${string}.archived`
    >();
    expectTypeOf<TopicsMatching<Open, "**.archived">>().toEqualTypeOf<
      `job.${number}` | `user.${string}` | `${string}.archived`
    >();
    expectTypeOf<TopicsMatching<Open, "o*.placed">>().toEqualTypeOf<
      "order.placed" | `${string}.archived`
    >();
  });

  test("are left out when what precedes the placeholder speaks against it", () => {
    interface Prefixed {
      [topic: `user_${string}`]: 1;
      [topic: `shop.${string}.paid`]: 2;
    }
    expectTypeOf<TopicsMatching<Prefixed, "user_*">>().toEqualTypeOf<`user_${string}`>();
    expectTypeOf<TopicsMatching<Prefixed, "us*.{a,b}">>().toEqualTypeOf<`user_${string}`>();
    expectTypeOf<TopicsMatching<Prefixed, "sh*.*.*">>().toEqualTypeOf<`shop.${string}.paid`>();
    expectTypeOf<TopicsMatching<Prefixed, "uses.*">>().toEqualTypeOf<never>();
    expectTypeOf<TopicsMatching<Prefixed, "shop?">>().toEqualTypeOf<never>();
  });
});

interface Topics {
  "training.started": { configKey: string };
  "training.completed": { loss: number };
  "data.new_games": { count: number };
}

type Completed = BusEvent<"training.completed", { loss: number }>;
type Training = BusEvent<"training.started", { configKey: string }> | Completed;

const bus = createEventBus<Topics>();

describe("a pattern", () => {
  test("types the events of whatever takes it", async () => {
    bus.subscribe("tr*.?*", (event) => expectTypeOf(event).toEqualTypeOf<Training>(), {
      where: (event) => event.topic === "training.started",
    });
    bus.once("**.c*", (event) => expectTypeOf(event).toEqualTypeOf<Completed>());
    expectTypeOf(bus.subscriber("**.c*")).parameter(0).parameter(0).toEqualTypeOf<Completed>();
    expectTypeOf(await bus.waitFor("training.[a-t]*")).toEqualTypeOf<Training>();
    for await (const event of bus.stream("{training.started,*.completed}")) {
      expectTypeOf(event).toEqualTypeOf<Training>();
    }
    expectTypeOf(bus.getHistory({ topic: "**.c*", limit: 1 })).toEqualTypeOf<Completed[]>();
    await bus.replay((event) => expectTypeOf(event).toEqualTypeOf<Training>(), {
      topic: "training.*",
    });
    await bus.replay((event) => expectTypeOf(event).toEqualTypeOf<EventOf<Topics>>());
    bus.subscribe("**", (event) => expectTypeOf(event).toEqualTypeOf<EventOf<Topics>>());
  });

  test("may be one of several, or a topic", () => {
    const selection = "training.started" as "training.started" | "**.c*";
    bus.subscribe(selection, (event) => expectTypeOf(event).toEqualTypeOf<Training>());
  });

  test("refuses a handler of other events", () => {
    // @ts-expect-error: data.new_games isn't among them
    bus.subscribe("training.*", (event: BusEvent<"data.new_games", { count: number }>) => event);
    // @ts-expect-error: a filter's handler is held against the filter's topic
    bus.subscribe({ topic: "training.completed" }, (event: BusEvent<"data.new_games">) => event);
    // @ts-expect-error: a RegExp may match any topic
    bus.subscribe({ topicPattern: /^training\./ }, (event: Training) => event);
  });

  test("that no topic can match is an error wherever it is given", () => {
    // @ts-expect-error: misspelt
    bus.subscribe("trainning.*", () => {});
    // @ts-expect-error: misspelt
    bus.once("{trainning,dada}.*", () => {});
    // @ts-expect-error: misspelt
    bus.subscriber("training.c?");
    // @ts-expect-error: misspelt
    void bus.waitFor("training.*.completed");
    // @ts-expect-error: misspelt
    void bus.stream("dada.**");
    // @ts-expect-error: misspelt
    void bus.getHistory({ topic: "trainning.*" });
    // @ts-expect-error: misspelt
    void bus.replay(() => {}, { topic: "trainning.*" });
    const selection = "training.*" as "training.*" | "trainning.*";
    // @ts-expect-error: one of the two can match nothing
    bus.subscribe(selection, () => {});
  });

  test("outside the grammar matches nothing", () => {
    expectTypeOf<TopicsMatching<Topics, "training**">>().toEqualTypeOf<never>();
    expectTypeOf<TopicsMatching<Topics, "training..*">>().toEqualTypeOf<never>();
    expectTypeOf<TopicsMatching<Topics, "training\\..*">>().toEqualTypeOf<never>();
    expectTypeOf<TopicsMatching<Topics, "training.[*">>().toEqualTypeOf<never>();
    expectTypeOf<TopicsMatching<Topics, "">>().toEqualTypeOf<never>();
  });
});

describe("a text that is known only at run time", () => {
  const text: string = "training.*";

  test("goes to subscribePattern, which gives any of the bus's events", () => {
    bus.subscribePattern(text, (event) => expectTypeOf(event).toEqualTypeOf<EventOf<Topics>>(), {
      where: (event) => event.topic === "training.started",
    });
    createEventBus().subscribePattern(text, (event) => expectTypeOf(event.payload).toBeAny());
  });

  test("is refused by subscribe", () => {
    // @ts-expect-error: use subscribePattern
    bus.subscribe(text, () => {});
    // @ts-expect-error: known in part only
    bus.subscribe(`training.${text}*`, () => {});
    // @ts-expect-error: use a filter { topicPattern }
    void bus.waitFor(text);
  });
});

describe("generic code", () => {
  test("passes a topic, or ** for all of them", () => {
    function follow<K extends keyof Topics>(topic: K): Promise<EventFor<Topics, K>> {
      bus.subscribe(topic, (event) => event.topic);
      bus.subscribe({ topic }, (event) => event.topic);
      expectTypeOf(bus.getHistory({ topic })).toEqualTypeOf<EventFor<Topics, K>[]>();
      return bus.waitFor(topic);
    }
    expectTypeOf(follow<"training.completed">).returns.resolves.toEqualTypeOf<Completed>();
    function watch<C extends object>(any: EventBus<C>): void {
      any.subscribe("**", () => {});
      any.getHistory({ topic: "**" });
    }
    expectTypeOf(watch<Topics>).toBeCallableWith(bus);
  });
});

describe("what the compiler says", () => {
  test("names the mistake, not the catalogue", () => {
    expectTypeOf<
      Selectable<Topics, "trainning.*">
    >().toEqualTypeOf<"No topic of this bus matches the pattern 'trainning.*'">();
    expectTypeOf<Selectable<Topics, "training.complete">>().toEqualTypeOf<
      | "This bus has no topic 'training.complete'. Did you mean"
      | "training.started?"
      | "training.completed?"
    >();
    expectTypeOf<Selectable<Topics, string>>().toExtend<`Only known at run time: ${string}`>();
    expectTypeOf<Selectable<Topics, "training.*">>().toEqualTypeOf<"training.*">();
  });
});

interface Orders {
  "order.placed": { cents: number };
  "order.paid": { by: string };
  "user.joined": undefined;
}

describe("a list of topics and patterns", () => {
  const bus = createEventBus<Orders>();

  test("gives the events of all of them", () => {
    bus.subscribe(["order.placed", "order.paid"], (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<"order.placed" | "order.paid">();
      if (event.topic === "order.paid")
        expectTypeOf(event.payload).toEqualTypeOf<Orders["order.paid"]>();
    });
    bus.subscribe(["order.placed", "*.joined"], (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<"order.placed" | "user.joined">();
    });
    const some = ["order.placed"] as const;
    bus.once(some, (event) => expectTypeOf(event.topic).toEqualTypeOf<"order.placed">());
    expectTypeOf(bus.stream(["order.*", "user.joined"]).next).returns.resolves.toHaveProperty(
      "value",
    );
  });

  test("refuses what no topic matches", () => {
    // @ts-expect-error -- there is no such topic
    bus.subscribe(["order.placed", "order.plcaed"], () => {});
    // @ts-expect-error -- nothing matches it
    bus.subscribe(["order.placed", "payment.*"], () => {});
  });

  test("of an untyped bus gives any event", () => {
    createEventBus().subscribe(["a", "b.*"], (event) => {
      expectTypeOf(event.topic).toBeString();
    });
  });
});
