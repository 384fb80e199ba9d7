import { describe, expect, it } from "vitest";
import { Names, newIncarnation, toToken } from "../src/server/names.ts";
import { reconnectDelay } from "../src/server/reconnect-delay.ts";

describe("names", () => {
  const names = new Names("orders");

  it("an event's subject has its type as one token, whatever it is", () => {
    expect(names.event("ORDER_PLACED", undefined)).toBe("orders.events.ORDER_PLACED._");
    for (const type of ["ORDER_PLACED", "order.placed", "a..b", "a.", "a-b"]) {
      const subject = names.event(type, "key");
      expect(subject).toMatch(/^orders\.events\.[\w=-]+\.k[0-9a-f]{5}$/);
      expect(names.typeOf(subject)).toBe(type);
    }
  });

  it("tokens of different names differ", () => {
    const all = ["a.b", "a=2eb", "a:b", "a/b", "a@b", "a_b", "a-b"];
    expect(new Set(all.map(toToken)).size).toBe(all.length);
  });

  it("an incarnation is a valid consumer name, and never the same", () => {
    const name = "node:trainer/1@host.".repeat(6);
    expect(newIncarnation(name)).toMatch(/^[\w-]{1,80}$/);
    expect(newIncarnation(name)).not.toBe(newIncarnation(name));
  });
});

describe("reconnectDelay", () => {
  it("grows with the time since the connection was lost, up to 5 s, and begins anew", () => {
    let now = 0;
    const { delay, reset } = reconnectDelay(() => now);
    expect(delay()).toBeLessThanOrEqual(50);
    now = 4_000;
    expect(delay()).toBeGreaterThanOrEqual(1_000);
    expect(delay()).toBeLessThanOrEqual(2_000);
    now = 100_000;
    expect(delay()).toBeGreaterThanOrEqual(2_500);
    expect(delay()).toBeLessThanOrEqual(5_000);
    reset();
    expect(delay()).toBeLessThanOrEqual(50);
  });
});
