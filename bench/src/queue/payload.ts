/** Bytes of JSON that every event of this suite carries. */
const BYTES = 200;

/** What every event carries: 200 bytes of JSON, as a program's own events are. */
export const payload: Readonly<Record<string, unknown>> = padded({
  configKey: "hex7_2p",
  iteration: 1234,
  loss: 0.01234,
  games: 4096,
  host: "node-17",
  ok: true,
});

function padded(base: Record<string, unknown>): Record<string, unknown> {
  const bytes = JSON.stringify({ ...base, note: "" }).length;
  return { ...base, note: "x".repeat(BYTES - bytes) };
}
