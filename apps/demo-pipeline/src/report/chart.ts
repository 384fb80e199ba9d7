/** A point of the curve, with its interval. */
export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
}

/** A level line. */
export interface ChartLine {
  readonly label: string;
  readonly y: number;
}

/**
 * A curve with its confidence band and level lines, as text.
 *
 * @example console.log(drawChart([{ x: 0, y: 0, low: 0, high: 0 }, { x: 9, y: 800, low: 750, high: 860 }], []));
 */
export function drawChart(
  points: readonly ChartPoint[],
  levels: readonly ChartLine[],
  size: { readonly width: number; readonly height: number } = { width: 60, height: 14 },
): string {
  if (points.length === 0) return "(no points)";
  const { width, height } = size;
  const values = [...points.flatMap(({ low, high }) => [low, high]), ...levels.map(({ y }) => y)];
  const bottom = Math.min(0, ...values);
  const top = Math.max(bottom + 1, ...values);
  const firstX = points[0]!.x;
  const lastX = Math.max(firstX + 1, points.at(-1)!.x);
  const row = (y: number): number =>
    height - 1 - Math.round(((y - bottom) / (top - bottom)) * (height - 1));
  const column = (x: number): number => Math.round(((x - firstX) / (lastX - firstX)) * (width - 1));

  const grid = Array.from({ length: height }, () => Array.from({ length: width }, () => " "));
  for (const { y } of levels) grid[row(y)]!.fill("┄");
  for (let c = 0; c < width; c++) {
    const at = between(points, firstX + (c / (width - 1)) * (lastX - firstX));
    for (let r = row(at.high); r <= row(at.low); r++) grid[r]![c] = "░";
    grid[row(at.y)]![c] = "─";
  }
  for (const point of points) grid[row(point.y)]![column(point.x)] = "●";

  const lines = grid.map((cells, r) => {
    const value = top - (r / (height - 1)) * (top - bottom);
    const labels = levels.filter(({ y }) => row(y) === r).map(({ label }) => label);
    return `${String(Math.round(value)).padStart(6)} ┤${cells.join("")} ${labels.join(", ")}`.trimEnd();
  });
  const axis = `${" ".repeat(7)}└${"─".repeat(width)}`;
  const ends = `${" ".repeat(8)}${firstX}${String(lastX).padStart(width - String(firstX).length)}`;
  return [...lines, axis, ends].join("\n");
}

/** The curve between its points. */
function between(points: readonly ChartPoint[], x: number): Omit<ChartPoint, "x"> {
  const after = points.findIndex((point) => point.x >= x);
  if (after <= 0) return points[after === 0 ? 0 : points.length - 1]!;
  const [a, b] = [points[after - 1]!, points[after]!];
  const share = (x - a.x) / (b.x - a.x);
  const mix = (from: number, to: number): number => from + share * (to - from);
  return { y: mix(a.y, b.y), low: mix(a.low, b.low), high: mix(a.high, b.high) };
}
