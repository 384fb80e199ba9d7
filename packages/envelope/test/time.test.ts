import { describe, expect, it } from "vitest";
import { parseStartFrom, toMillis } from "../src/index.ts";

describe("moments", () => {
  it("are Dates or milliseconds", () => {
    expect(toMillis(new Date(5))).toBe(5);
    expect(toMillis(1_767_225_600_000)).toBe(1_767_225_600_000);
  });

  it("given in seconds are refused with the milliseconds they would be", () => {
    expect(() => toMillis(1_767_225_600, "since")).toThrow(
      /"since" is 1767225600, which looks like seconds; give milliseconds \(1767225600000\)/,
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, new Date("x"), "2026" as unknown as number])(
    "that are none are refused: %s",
    (value) => {
      expect(() => toMillis(value)).toThrow(expect.objectContaining({ code: "INVALID_TIME" }));
    },
  );
});

describe("starts", () => {
  it("are a word, a position or a moment", () => {
    expect(parseStartFrom("beginning")).toBe("beginning");
    expect(parseStartFrom("now")).toBe("now");
    expect(parseStartFrom({ position: 7 })).toEqual({ position: 7 });
    expect(parseStartFrom({ time: new Date(9) })).toEqual({ time: 9 });
  });

  it.each(["end", {}, { position: -1 }, { position: 1.5 }, null])("refuse %j", (value) => {
    expect(() => parseStartFrom(value as "now")).toThrow(
      expect.objectContaining({ code: "INVALID_START" }),
    );
  });
});
