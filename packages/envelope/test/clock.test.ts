import { setImmediate } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { eventClock } from "../src/index.ts";

/** Takes stamps in a burst, until readings of the system's clock are shared. */
function burst(): void {
  for (let stamp = 0; stamp < 1000; stamp += 1) eventClock.tickQuickly();
}

function wait(millis: number): void {
  const end = Date.now() + millis;
  while (Date.now() < end);
}

describe("the clock of events", () => {
  it("gives each stamp a greater time or counter, quick or not, also when the clock steps back", () => {
    const stamps: [number, number][] = [];
    for (let n = 0; n < 20_000; n += 1) {
      if (n === 10_000) vi.spyOn(Date, "now").mockReturnValue(1e12);
      if (n % 7 === 0) eventClock.tick();
      else eventClock.tickQuickly();
      stamps.push([eventClock.time, eventClock.counter]);
    }
    vi.restoreAllMocks();
    for (const [index, [time, counter]] of stamps.entries()) {
      if (index === 0) continue;
      const [earlier, before] = stamps[index - 1]!;
      expect(time > earlier || (time === earlier && counter > before)).toBe(true);
    }
  });

  it("is exact outside of bursts, and always with tick", async () => {
    burst();
    wait(3);
    const before = Date.now();
    eventClock.tick();
    expect(eventClock.time).toBeGreaterThanOrEqual(before);
    await setImmediate();
    for (let n = 0; n < 5; n += 1) {
      const moment = Date.now();
      eventClock.tickQuickly();
      expect(eventClock.time).toBeGreaterThanOrEqual(moment);
    }
  });

  it("reads the system's clock anew for every 32 stamps of a burst", () => {
    burst();
    wait(3);
    const now = Date.now();
    for (let n = 0; n < 32; n += 1) eventClock.tickQuickly();
    expect(eventClock.time).toBeGreaterThanOrEqual(now);
  });

  it("reads it anew after an await, whatever came before", async () => {
    burst();
    wait(3);
    await Promise.resolve();
    const now = Date.now();
    eventClock.tickQuickly();
    expect(eventClock.time).toBeGreaterThanOrEqual(now);
  });

  it("shares readings in a burst", () => {
    burst();
    const readings = vi.spyOn(Date, "now");
    for (let n = 0; n < 320; n += 1) eventClock.tickQuickly();
    expect(readings.mock.calls.length).toBeLessThanOrEqual(20);
    vi.restoreAllMocks();
  });

  it("goes on in the next millisecond after 1,048,576 stamps of one", () => {
    eventClock.tick();
    const now = vi.spyOn(Date, "now").mockReturnValue(eventClock.time + 1000);
    eventClock.tick();
    const { time } = eventClock;
    for (let n = 0; n < 0xf_ffff; n += 1) eventClock.tick();
    expect([eventClock.time, eventClock.counter]).toEqual([time, 0xf_ffff]);
    eventClock.tick();
    expect([eventClock.time, eventClock.counter]).toEqual([time + 1, 0]);
    now.mockRestore();
  });
});
