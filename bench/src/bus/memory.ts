import { createEventBus } from "@ringrift/core-bus";
import EventEmitter2 from "eventemitter2";
import { EventEmitter } from "eventemitter3";
import type { MemoryScenario } from "../runner/scenario.ts";
import { PAYLOAD } from "./handlers.ts";

/** Topics that come once: a job's own, a request's own. */
export const memoryScenario: MemoryScenario = {
  kind: "memory",
  id: "memory",
  title: "Memory after a million one-off topics",
  operation: "A topic that never comes again is subscribed, published and unsubscribed.",
  operations: 1_000_000,
  warmUp: 100_000,
  candidates: [
    {
      name: "core-bus",
      make() {
        const bus = createEventBus();
        let next = 0;
        return (operations) => {
          let delivered = 0;
          for (let done = 0; done < operations; done += 1) {
            const topic = `job.n${(next += 1)}.done`;
            const subscription = bus.subscribe(topic, () => (delivered += 1));
            bus.publishSync(topic, PAYLOAD);
            subscription();
          }
          return delivered;
        };
      },
    },
    {
      name: "eventemitter3",
      make() {
        const emitter = new EventEmitter();
        let next = 0;
        return (operations) => {
          let delivered = 0;
          for (let done = 0; done < operations; done += 1) {
            const topic = `job.n${(next += 1)}.done`;
            const handler = (): number => (delivered += 1);
            emitter.on(topic, handler);
            emitter.emit(topic, PAYLOAD);
            emitter.off(topic, handler);
          }
          return delivered;
        };
      },
    },
    {
      name: "eventemitter2",
      make() {
        const emitter = new EventEmitter2.EventEmitter2({ wildcard: true });
        let next = 0;
        return (operations) => {
          let delivered = 0;
          for (let done = 0; done < operations; done += 1) {
            const topic = `job.n${(next += 1)}.done`;
            const handler = (): number => (delivered += 1);
            emitter.on(topic, handler);
            emitter.emit(topic, PAYLOAD);
            emitter.off(topic, handler);
          }
          return delivered;
        };
      },
    },
  ],
  targets: [{ candidate: "core-bus", atMostMib: 1 }],
};
