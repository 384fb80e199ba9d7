import { describe, expect, it } from "vitest";
import {
  createLineage,
  EnvelopeError,
  MAX_CAUSES,
  MAX_HOPS,
  nodeId,
  passedVia,
  pickLineage,
  validateLineage,
} from "../src/index.ts";

describe("the lineage of a new event", () => {
  it("begins a trail: its own id is the correlation id, nothing caused it, it has passed no bus", () => {
    const lineage = createLineage({ source: "trainer" });
    expect(lineage).toMatchObject({ source: "trainer", origin: nodeId(), via: [] });
    expect(lineage.correlationId).toBe(lineage.id);
    expect(lineage).not.toHaveProperty("causationId");
  });

  it("inherits correlation, cause and trace from the event being handled", () => {
    const parent = createLineage({ correlationId: "run-7", traceparent: "00-aa-bb-01" });
    const child = createLineage({ parent });
    expect(child).toMatchObject({
      correlationId: "run-7",
      causationId: parent.id,
      traceparent: "00-aa-bb-01",
    });
    expect(child.id).not.toBe(parent.id);
  });

  it("is one deeper than that of its cause, and not deep at all without one", () => {
    const first = createLineage();
    expect(first).not.toHaveProperty("depth");
    const second = createLineage({ parent: first });
    expect(second.depth).toBe(1);
    expect(createLineage({ parent: second }).depth).toBe(2);
  });

  it("names up to 64 causes, the first ones", () => {
    const causes = Array.from({ length: 70 }, () => createLineage().id);
    const joined = createLineage({ causes });
    expect(joined.causes).toEqual(causes.slice(0, MAX_CAUSES));
    expect(validateLineage(joined)).toEqual(joined);
  });

  it("may have an id that is derived: what isn't inherited follows from it", () => {
    const id = "0198f1c2-7a3b-80f1-b2f3-f4f5f6f7f8f9";
    expect(createLineage({ id })).toMatchObject({ id, correlationId: id });
  });

  it("prefers a correlation id it is given", () => {
    const parent = createLineage();
    expect(createLineage({ parent, correlationId: "mine" }).correlationId).toBe("mine");
  });
});

describe("a lineage on its way", () => {
  it("grows by the bus it passed and changes in nothing else", () => {
    const lineage = createLineage();
    const passed = passedVia(passedVia(lineage, "a"), "b");
    expect(passed).toEqual({ ...lineage, via: ["a", "b"] });
    expect(lineage.via).toEqual([]);
  });

  it("is picked out of an event without the rest of it", () => {
    const lineage = createLineage({ parent: createLineage() });
    expect(pickLineage({ ...lineage, payload: 1 } as typeof lineage)).toEqual(lineage);
  });

  it("is checked where somebody passes one in", () => {
    const lineage = createLineage({ parent: createLineage() });
    expect(validateLineage({ ...lineage, extra: 1 })).toEqual(lineage);
  });

  it("is kept as it was checked, whatever its owner does to it later", () => {
    const via = ["a"];
    let reads = 0;
    const given = { ...createLineage(), via };
    Object.defineProperty(given, "source", { get: () => (reads++ === 0 ? "s" : 5) });
    const kept = validateLineage(given);
    via.push("b");
    expect(kept).toMatchObject({ source: "s", via: ["a"] });
  });

  it.each([
    ["nothing", null, "lineage"],
    ["an id that is none", { id: "x" }, "id"],
    ["a time that is none", { time: Number.NaN }, "time"],
    ["an origin that is missing", { origin: undefined }, "origin"],
    ["a source that is no text", { source: 3 }, "source"],
    ["a correlation id with half a character", { correlationId: "\uD800" }, "correlationId"],
    ["a cause that is no text", { causationId: {} }, "causationId"],
    ["a trace that is too long", { traceparent: "0".repeat(513) }, "traceparent"],
    ["a trail that is no list", { via: "a" }, "via"],
    ["a trail with a hole", { via: [1] }, "via[]"],
    ["causes that are no list", { causes: "a" }, "causes"],
    ["too many causes", { causes: Array(MAX_CAUSES + 1).fill("a") }, "causes"],
    ["a depth that is no count", { depth: -1 }, "depth"],
    ["a trail that is too long", { via: Array(MAX_HOPS + 1).fill("a") }, "via"],
  ])("refuses %s and names the field", (_, change, field) => {
    const value = change && { ...createLineage(), ...change };
    expect(() => validateLineage(value)).toThrow(EnvelopeError);
    expect(() => validateLineage(value)).toThrow(`"${field}"`);
  });
});
