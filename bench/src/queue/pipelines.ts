import type { SampledCandidate, SampledScenario } from "../runner/scenario.ts";
import { Pipeline } from "./pipeline.ts";
import { type ServerName, servers } from "./servers.ts";
import type { PipelineOptions } from "./system.ts";

const OURS = "cross-process-queue";

interface Peer {
  readonly name: string;
  readonly system: string;
  readonly server?: ServerName;
  /** Events of a sample: about a second's, or half a second's. */
  readonly events: number;
  /** How many times as fast as it we want to be. */
  readonly atMost?: number;
  readonly note?: string;
}

/** The same with `consume` in place of `receive`. */
const HANDLERS = "ours, consume()";
const RECEIVES = "receives and acks in a loop, as those of the other logs do";
/** As plainjob's and BullMQ's workers, which are given a function as well. */
const HANDLES =
  "consume with one handler at a time: it leases ahead of quick handlers and acks them together";
const AWAITED_ACK = "each ack is confirmed by the server (ackAck) before the next event is taken";

/** Two processes: publish, consume, ack. */
export const pipelineScenarios: readonly SampledScenario[] = [
  scenario("pipeline-100", "publish → consume → ack, batches of 100", 100, "process-crash", [
    { name: OURS, system: "ours", events: 50_000, note: RECEIVES },
    { name: HANDLERS, system: HANDLERS, events: 50_000 },
    {
      name: "Redis Streams, everysec",
      system: "redis",
      server: "redis-everysec",
      events: 30_000,
      atMost: 2,
    },
    {
      name: "JetStream",
      system: "jetstream",
      server: "jetstream",
      events: 8_000,
      atMost: 6,
      note: "syncs every two minutes; acks are not confirmed",
    },
    {
      name: "plainjob",
      system: "plainjob",
      events: 4_000,
      atMost: 15,
      note: "its worker takes one job at a time",
    },
    {
      name: "BullMQ",
      system: "bullmq",
      server: "redis-everysec",
      events: 4_000,
      atMost: 8,
      note: "on Redis with appendfsync everysec",
    },
  ]),
  scenario("pipeline-1", "publish → consume → ack, one by one", 1, "process-crash", [
    { name: OURS, system: HANDLERS, events: 8_000, note: HANDLES },
    {
      name: "ours, receive()",
      system: "ours",
      events: 4_000,
      note: "receives one event, acks it and asks for the next one, as those of the other logs do",
    },
    {
      name: "Redis Streams, everysec",
      system: "redis",
      server: "redis-everysec",
      events: 2_000,
      atMost: 3,
    },
    {
      name: "JetStream",
      system: "jetstream",
      server: "jetstream",
      events: 1_500,
      atMost: 4,
      note: AWAITED_ACK,
    },
    { name: "plainjob", system: "plainjob", events: 3_000, atMost: 2 },
    { name: "BullMQ", system: "bullmq", server: "redis-everysec", events: 1_500 },
  ]),
  scenario(
    "pipeline-100-power-loss",
    "publish → consume → ack, batches of 100, power-loss",
    100,
    "power-loss",
    [
      { name: OURS, system: "ours", events: 30_000 },
      {
        name: "Redis Streams, always",
        system: "redis",
        server: "redis-always",
        events: 30_000,
        atMost: 1.5,
      },
      {
        name: "JetStream, sync always",
        system: "jetstream",
        server: "jetstream-always",
        events: 2_000,
        atMost: 15,
      },
    ],
  ),
];

function scenario(
  id: string,
  title: string,
  batch: number,
  survives: PipelineOptions["survives"],
  peers: readonly Peer[],
): SampledScenario {
  const slowest = peers.filter(({ atMost }) => atMost !== undefined);
  return {
    kind: "sampled",
    id,
    title,
    operation:
      "One event of 200 bytes, from a process that publishes flat out to the ack of another.",
    base: OURS,
    candidates: peers.map((peer) => candidate(peer, batch, survives)),
    targets: slowest.map(({ name, atMost = 0 }) => ({
      candidate: OURS,
      base: name,
      atLeast: atMost,
    })),
  };
}

function candidate(
  { name, system, server, events, note }: Peer,
  batch: number,
  survives: PipelineOptions["survives"],
): SampledCandidate {
  const found = server === undefined ? undefined : servers()[server];
  return {
    name,
    note,
    missing: found !== undefined && "missing" in found ? found.missing : undefined,
    open: () => {
      const port = found !== undefined && "port" in found ? found.port : undefined;
      return Pipeline.open({ system, batch, survives, events, port });
    },
  };
}
