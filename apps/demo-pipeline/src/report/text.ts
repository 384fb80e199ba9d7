import { drawChart } from "./chart.ts";
import type { Latency, Report } from "./summary.ts";
import { describeRating } from "./summary.ts";

/** The closing report, as it is printed. */
export function reportText(report: Report): string {
  return [heading(report), events(report), play(report), elo(report), proof(report)].join("\n\n");
}

function heading({ run, seconds }: Report): string {
  return (
    `${run.configKey} (Hex ${run.size}×${run.size}), seed "${run.seed}": ` +
    `${seconds.play.toFixed(1)} s of play, ${seconds.total.toFixed(1)} s in all`
  );
}

function events({ events, latency }: Report): string {
  const wide = Math.max(...events.byNode.map(({ node }) => node.length), 4);
  const rows = events.byNode.map(({ node, forwarded, dropped, own }) => {
    const lost = Object.entries(dropped).filter(([, n]) => n > 0);
    return (
      `  ${node.padEnd(wide)}${cell(forwarded.stageToTopic)}${cell(forwarded.topicToQueue)}` +
      `${cell(forwarded.queueToTopic)}${cell(own)}` +
      `  ${lost.map(([reason, n]) => `${n} ${reason}`).join(", ") || "-"}`
    );
  });
  const top = `  ${"node".padEnd(wide)}${[
    "stage→topic",
    "topic→queue",
    "queue→topic",
    "own, skipped",
  ]
    .map((title) => title.padStart(14))
    .join("")}  dropped`;
  return [
    `Events: ${events.total} on the queue; by node and direction:`,
    top,
    ...rows,
    `  emit → handled on another process's bus: ${spread(latency.seen)}`,
    `  emit → its work begun (a busy node's queue included): ${spread(latency.worked)}`,
  ].join("\n");
}

function cell(value: number): string {
  return String(value).padStart(14);
}

function spread({ p50, p99, max, count }: Latency): string {
  return `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${count})`;
}

function play({ games, gates, promotions, rejections, restarts }: Report): string {
  const inconclusive = gates.filter(({ verdict }) => verdict === "inconclusive").length;
  const drill = gates.find((gate) => gate.drill);
  return [
    `Play: ${games.selfPlay} self-play games (${Math.round(games.perSecond)} a second), ${games.gate} gate games`,
    `  ${gates.length} generations: ${promotions} promoted, ${rejections} turned away (${inconclusive} inconclusive)`,
    drill === undefined
      ? "  the drill's generation was not reached"
      : `  drill: generation ${drill.generation} learned from flipped labels on purpose; the gate said "${drill.verdict}" after ${drill.pairs} pairs, ${Math.round(drill.score * 100)} % won`,
    ...restarts.map(({ node, reason }) => `  ${node} died (${reason}) and was started again`),
  ].join("\n");
}

function elo({ elo: { ratings, naiveSum }, champion }: Report): string {
  const curve = ratings
    .filter(({ player }) => /^g\d+$/.test(player))
    .map(({ player, elo, low, high }) => ({ x: Number(player.slice(1)), y: elo, low, high }))
    .toSorted((a, b) => a.x - b.x);
  const levels = ratings
    .filter(({ player }) => player.startsWith("UCT"))
    .map(({ player, elo }) => ({ label: `${player} ${Math.round(elo)}`, y: elo }));
  const last = ratings.find(({ player }) => player === `g${champion.generation}`);
  return [
    "Elo over generation 0 by generation: Bradley–Terry with 95 % intervals, against fixed yardsticks",
    drawChart(curve, levels),
    `  champion (generation ${champion.generation}): ${last === undefined ? "not rated" : describeRating(last)}`,
    `  Misleading: adding up what each gate seemed to say gives +${Math.round(naiveSum)}. Gates stop at their`,
    "  luckiest moment and each compares with the last champion only; don't plot that sum.",
  ].join("\n");
}

function proof({ checks, ok }: Report): string {
  const rows = checks.map((check) => `  ${check.ok ? "✓" : "✗"} ${check.name}: ${check.detail}`);
  const failed = checks.filter((check) => !check.ok).length;
  return [
    "Proof, from the ledgers and the queue file",
    ...rows,
    ok ? `  ${checks.length} checks hold` : `  ${failed} of ${checks.length} checks FAILED`,
  ].join("\n");
}
