import { createLineage, type EventView } from "@ringrift/envelope";
import { describe, expect, it } from "vitest";
import { createEventBus, type Middleware } from "../src/index.ts";

interface Topics {
  "training.completed": { success?: boolean } | null;
  "training.failed": { success: boolean };
}

const events: EventView<Topics> = {
  kind: "topics",
  names: new Set(["training.completed", "training.failed"]),
  canonical: (name) => name,
  failureOf: (name) => (name === "training.completed" ? "training.failed" : undefined),
};
const failed = { success: false };
const refused = expect.objectContaining({
  name: "EventBusError",
  code: "WRONG_OUTCOME",
  message: expect.stringContaining('Publish it as "training.failed"'),
});
const pass: Middleware = (_, next) => next();

describe("an event that says it failed, under a topic that means success", () => {
  it.each([
    ["plainly", {}],
    ["with options", { options: { source: "trainer" } }],
    ["with the lineage of another bus", { options: { lineage: createLineage({}) } }],
    ["behind middleware", { middleware: pass }],
  ])(
    "is refused by each publish %s, and leaves nothing behind",
    async (
      _,
      {
        options,
        middleware,
      }: {
        options?: object;
        middleware?: Middleware;
      },
    ) => {
      const bus = createEventBus({ events });
      if (middleware) bus.use(middleware);
      const seen: string[] = [];
      bus.subscribe("**", ({ topic }) => void seen.push(topic));
      await bus.publish("training.completed", { success: true });
      const before = bus.stats();
      await expect(bus.publish("training.completed", failed, options)).rejects.toEqual(refused);
      expect(() => bus.publishSync("training.completed", failed, options)).toThrow(refused);
      expect(bus.stats()).toEqual(before);
      expect(bus.getHistory()).toHaveLength(1);
      await bus.publish("training.failed", failed);
      expect(seen).toEqual(["training.completed", "training.failed"]);
    },
  );

  it.each([null, {}, { success: true }, { success: undefined }])(
    "is not one whose payload is %j",
    async (payload) => {
      const bus = createEventBus({ events });
      expect(await bus.publish("training.completed", payload as never)).toMatchObject({
        errors: [],
      });
      expect(bus.publishSync("training.completed", payload as never)).toBe(0);
    },
  );

  it("is judged by what the schema makes of it", async () => {
    const parse = { version: 1, vendor: "test", validate: () => ({ value: failed }) } as const;
    const schema = { "~standard": parse };
    const bus = createEventBus({ events, schemas: { "training.completed": schema } });
    await expect(bus.publish("training.completed", {})).rejects.toEqual(refused);
  });

  it("passes a bus without a catalogue", async () => {
    expect(await createEventBus().publish("training.completed", failed)).toMatchObject({
      errors: [],
    });
  });
});
