import { describe, expect, it, vi } from "vitest";
import { createLineage, type EventLineage, TrailWatch } from "../src/index.ts";

describe("the watch over trails", () => {
  const first = createLineage();
  const at = (depth: number): EventLineage => ({ ...first, depth });

  /** Lets a trail get deeper, one level each so many milliseconds. */
  function walk(watch: TrailWatch, from: number, to: number, step: () => void): void {
    for (let depth = from; depth <= to; depth += 1) {
      step();
      watch.see(at(depth));
    }
  }

  it("finds a trail that gets more than 1,000 deeper within a minute, once", () => {
    const onRunaway = vi.fn();
    let now = 1_800_000_000_000;
    const watch = new TrailWatch({ onRunaway, now: () => now });
    walk(watch, 2, 1_002, () => (now += 50));
    expect(onRunaway).not.toHaveBeenCalled();
    walk(watch, 1_003, 5_000, () => (now += 50));
    const found = { correlationId: first.id, depth: 1_003, since: expect.any(Number) };
    expect(onRunaway).toHaveBeenCalledExactlyOnceWith(found);
    expect(watch.runaways()).toEqual([found]);
    now += 60_001;
    expect(watch.runaways()).toEqual([]);
  });

  it("lets a loop go on that takes its time, however deep it gets", () => {
    const onRunaway = vi.fn();
    let now = 1_800_000_000_000;
    const watch = new TrailWatch({ onRunaway, now: () => now });
    walk(watch, 2, 20_000, () => (now += 62));
    expect(onRunaway).not.toHaveBeenCalled();
  });

  it("finds it also where a process sees but every third level, among other trails", () => {
    const onRunaway = vi.fn();
    let now = 1_800_000_000_000;
    const watch = new TrailWatch({ onRunaway, now: () => now });
    for (let depth = 2; depth < 1_200; depth += 3) {
      now += 30;
      watch.see(at(depth));
      for (let other = 0; other < 5; other += 1) watch.see({ ...createLineage(), depth: 2 });
    }
    expect(onRunaway).toHaveBeenCalledTimes(1);
  });
});
