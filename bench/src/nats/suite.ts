import { startFolder } from "../queue/logs.ts";
import { startServers } from "../queue/servers.ts";
import type { SampledScenario, Sampler, Suite } from "../runner/scenario.ts";
import { clientCpuScenario } from "./client-cpu.ts";
import { keyedScenarios } from "./keyed.ts";
import { scaleScenarios } from "./scale.ts";
import { BARE, OURS, type Side, sides } from "./sides.ts";

const AT_LEAST = 0.8;

/** Compares nats-queue with the client it stands on. */
export const natsSuite: Suite = {
  name: "nats",
  rounds: 9,
  async setUp() {
    const removeFolder = startFolder();
    const stopServers = await startServers(["jetstream"]);
    return async () => {
      await stopServers();
      removeFolder();
    };
  },
  scenarios: [
    scenario("send-1", "send, one by one", "One event, awaited before the next.", 1, "send"),
    scenario("send-100", "sendMany of 100", "One event, sent with 99 others.", 100, "send"),
    scenario(
      "take-1",
      "receive and ack, one by one",
      "One event, settled before the next.",
      1,
      "take",
    ),
    scenario("take-100", "receive and ack, 100 at a time", "One event of 100.", 100, "take"),
    ...keyedScenarios,
    ...scaleScenarios,
    clientCpuScenario,
  ],
};

function scenario(
  id: string,
  title: string,
  operation: string,
  size: number,
  what: "send" | "take",
): SampledScenario {
  const events = size === 1 ? 500 : 4_000;
  return {
    kind: "sampled",
    id,
    title,
    operation,
    base: BARE,
    candidates: Object.entries(sides).map(([name, open]) => ({
      name,
      open: async () => sampler(await open(), { events, size, what }),
    })),
    targets: [{ candidate: OURS, base: BARE, atLeast: AT_LEAST }],
  };
}

async function sampler(
  side: Side,
  { events, size, what }: { events: number; size: number; what: "send" | "take" },
): Promise<Sampler> {
  const send = async (): Promise<void> => {
    const batch = what === "send" ? size : 100;
    for (let sent = 0; sent < events; sent += batch) await side.send(batch);
  };
  const take = async (): Promise<void> => {
    for (let taken = 0; taken < events;) taken += await side.take(Math.min(size, events - taken));
  };
  const sample = async (): Promise<number> => {
    // So that there is something to take; not timed.
    if (what === "take") await send();
    const began = performance.now();
    await (what === "take" ? take() : send());
    return ((performance.now() - began) * 1e6) / events;
  };
  await sample();
  return { sample, close: () => side.close() };
}
