import { expect, test } from "vitest";
import { recentIdsOf } from "../src/carrying/recent-ids.ts";

test("a bus remembers the last 10,000 ids at least, and not many more", () => {
  const ids = recentIdsOf({});
  for (let n = 0; n < 100_000; n += 1) {
    ids.add(`id-${n}`);
    if (n >= 10_000) expect(ids.has(`id-${n - 9_999}`)).toBe(true);
  }
  expect(ids.has("id-79999")).toBe(false);
});

test("an id that was acked stays so, however often it comes again unacked", () => {
  const ids = recentIdsOf({});
  ids.begin("a");
  ids.end("a", true);
  for (let n = 0; n < 10_000; n += 1) ids.add(`id-${n}`);
  ids.begin("a");
  expect(ids.isDone("a")).toBe(false);
  ids.end("a", false);
  expect(ids.isDone("a")).toBe(true);
});
