import { EventEmitter as NodeEmitter } from "node:events";
import { createEventBus } from "@ringrift/core-bus";
import EventEmitter2 from "eventemitter2";
import { EventEmitter } from "eventemitter3";
import mitt from "mitt";
import { createNanoEvents } from "nanoevents";
import { Subject as RxSubject } from "rxjs";
import { EventEmitter as Tseep } from "tseep";
import type { Candidate, Subject, Tally } from "../runner/scenario.ts";
import { type Literals, PAYLOAD, type Payload, some, syncLiterals } from "./handlers.ts";
import { LimitBus } from "./limit.ts";

/** What a scenario publishes, and to how many handlers of each topic. */
export interface ExactSetup {
  readonly topics: readonly string[];
  readonly handlers: number;
  /** @default functions of several kinds */
  readonly literals?: Literals;
}

/** Its declarations are read as CommonJS, where the function would be a property; at run time it is not. */
const createMitt = mitt as unknown as typeof mitt.default;

type PayloadHandler = (payload: Payload) => void;

/**
 * An operation is one publish; topics take turns. Every candidate has a loop of its own, so that none
 * profits from or pays for another's types in a shared one.
 */
export function coreBus(setup: ExactSetup, history: false | number): Candidate {
  const { topics } = setup;
  return {
    name: "core-bus",
    make(tally, rotation): Subject {
      const bus = createEventBus({ history });
      eachForEvents(setup, tally, rotation, (topic, handler) => bus.subscribe(topic, handler));
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            bus.publishSync(topics[turn]!, PAYLOAD);
            turn = turn + 1 === topics.length ? 0 : turn + 1;
          }
        },
      };
    },
  };
}

export function limit(setup: ExactSetup, history: number): Candidate {
  const { topics } = setup;
  return {
    name: "limit",
    note: "the least possible loop with core-bus's duties (bench/src/bus/limit.ts)",
    make(tally, rotation): Subject {
      const bus = new LimitBus({ history });
      eachForEvents(setup, tally, rotation, (topic, handler) => bus.subscribe(topic, handler));
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            bus.publishSync(topics[turn]!, PAYLOAD);
            turn = turn + 1 === topics.length ? 0 : turn + 1;
          }
        },
      };
    },
  };
}

export function eventemitter3(setup: ExactSetup): Candidate {
  const { topics } = setup;
  return {
    name: "eventemitter3",
    make(tally, rotation): Subject {
      const emitter = new EventEmitter();
      each(setup, tally, rotation, (topic, handler) => emitter.on(topic, handler));
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            emitter.emit(topics[turn]!, PAYLOAD);
            turn = turn + 1 === topics.length ? 0 : turn + 1;
          }
        },
      };
    },
  };
}

/** Emitters without envelope, lineage, error isolation or history. */
export function peers(setup: ExactSetup): Candidate[] {
  const { topics } = setup;
  return [
    {
      name: "raw loop",
      note: "arrays of functions, called; no lookup by name",
      make(tally, rotation): Subject {
        const lists = topics.map((): PayloadHandler[] => []);
        each(setup, tally, rotation, (topic, handler) =>
          lists[topics.indexOf(topic)]!.push(handler),
        );
        return {
          run(operations): void {
            for (let done = 0, turn = 0; done < operations; done += 1) {
              const list = lists[turn]!;
              for (let index = 0; index < list.length; index += 1) list[index]!(PAYLOAD);
              turn = turn + 1 === lists.length ? 0 : turn + 1;
            }
          },
        };
      },
    },
    {
      name: "node:events",
      make(tally, rotation): Subject {
        const emitter = new NodeEmitter().setMaxListeners(0);
        each(setup, tally, rotation, (topic, handler) => emitter.on(topic, handler));
        return {
          run(operations): void {
            for (let done = 0, turn = 0; done < operations; done += 1) {
              emitter.emit(topics[turn]!, PAYLOAD);
              turn = turn + 1 === topics.length ? 0 : turn + 1;
            }
          },
        };
      },
    },
    {
      name: "mitt",
      make(tally, rotation): Subject {
        const emitter = createMitt<Record<string, Payload>>();
        each(setup, tally, rotation, (topic, handler) => emitter.on(topic, handler));
        return {
          run(operations): void {
            for (let done = 0, turn = 0; done < operations; done += 1) {
              emitter.emit(topics[turn]!, PAYLOAD);
              turn = turn + 1 === topics.length ? 0 : turn + 1;
            }
          },
        };
      },
    },
    {
      name: "nanoevents",
      make(tally, rotation): Subject {
        const emitter = createNanoEvents<Record<string, PayloadHandler>>();
        each(setup, tally, rotation, (topic, handler) => emitter.on(topic, handler));
        return {
          run(operations): void {
            for (let done = 0, turn = 0; done < operations; done += 1) {
              emitter.emit(topics[turn]!, PAYLOAD);
              turn = turn + 1 === topics.length ? 0 : turn + 1;
            }
          },
        };
      },
    },
    {
      name: "tseep",
      note: "generates code with `eval`, which a content security policy forbids",
      make(tally, rotation): Subject {
        const emitter = new Tseep<Record<string, PayloadHandler>>();
        each(setup, tally, rotation, (topic, handler) => emitter.on(topic, handler));
        return {
          run(operations): void {
            for (let done = 0, turn = 0; done < operations; done += 1) {
              emitter.emit(topics[turn]!, PAYLOAD);
              turn = turn + 1 === topics.length ? 0 : turn + 1;
            }
          },
        };
      },
    },
    {
      name: "RxJS",
      note: "a Map of Subjects",
      make(tally, rotation): Subject {
        const subjects = new Map(topics.map((topic) => [topic, new RxSubject<Payload>()]));
        each(setup, tally, rotation, (topic, handler) => subjects.get(topic)!.subscribe(handler));
        return {
          run(operations): void {
            for (let done = 0, turn = 0; done < operations; done += 1) {
              subjects.get(topics[turn]!)!.next(PAYLOAD);
              turn = turn + 1 === topics.length ? 0 : turn + 1;
            }
          },
        };
      },
    },
    {
      name: "eventemitter2",
      note: "without wildcards",
      make(tally, rotation): Subject {
        const emitter = new EventEmitter2.EventEmitter2({ maxListeners: 0 });
        each(setup, tally, rotation, (topic, handler) => emitter.on(topic, handler));
        return {
          run(operations): void {
            for (let done = 0, turn = 0; done < operations; done += 1) {
              emitter.emit(topics[turn]!, PAYLOAD);
              turn = turn + 1 === topics.length ? 0 : turn + 1;
            }
          },
        };
      },
    },
  ];
}

function each(
  { topics, handlers, literals = syncLiterals }: ExactSetup,
  tally: Tally,
  rotation: number,
  subscribe: (topic: string, handler: PayloadHandler) => unknown,
): void {
  for (const [index, topic] of topics.entries()) {
    for (const handler of some(literals.payload, handlers, tally, rotation + index)) {
      subscribe(topic, handler);
    }
  }
}

function eachForEvents(
  { topics, handlers, literals = syncLiterals }: ExactSetup,
  tally: Tally,
  rotation: number,
  subscribe: (topic: string, handler: (event: unknown) => unknown) => unknown,
): void {
  for (const [index, topic] of topics.entries()) {
    for (const handler of some(literals.event, handlers, tally, rotation + index)) {
      // An untyped bus leaves the payload to its handlers.
      subscribe(topic, handler as (event: unknown) => unknown);
    }
  }
}
