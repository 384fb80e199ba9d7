import { describe, expect, it } from "vitest";
import { drawChart } from "../src/report/chart.ts";

describe("the chart", () => {
  const points = [
    { x: 0, y: 0, low: 0, high: 0 },
    { x: 10, y: 500, low: 400, high: 600 },
    { x: 20, y: 800, low: 700, high: 900 },
  ];
  const lines = drawChart(points, [{ label: "UCT-50 240", y: 240 }], {
    width: 41,
    height: 10,
  }).split("\n");

  it("marks every point, the first at the left end and the last at the right", () => {
    expect(lines.join("").match(/●/g)).toHaveLength(3);
    expect(lines[9]!.indexOf("●")).toBe(8);
    expect(lines[1]!.lastIndexOf("●")).toBe(8 + 40);
  });

  it("names the level lines and both ends of the axes", () => {
    expect(lines.find((line) => line.includes("┄"))).toContain("UCT-50 240");
    expect(lines[0]).toMatch(/^ {3}900 ┤/);
    expect(lines[9]).toMatch(/^ {5}0 ┤/);
    expect(lines.at(-1)!.trim()).toMatch(/^0 +20$/);
  });

  it("draws a single point without dividing by nothing", () => {
    const text = drawChart([{ x: 0, y: 0, low: 0, high: 0 }], []);
    expect(text).toContain("●");
    expect(text).not.toContain("NaN");
  });
});
