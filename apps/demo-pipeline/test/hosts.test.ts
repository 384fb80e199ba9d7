import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Host, Hosts, hostsLacking, NatsServer, SERVER } from "test-servers";
import type { Report } from "../src/report/summary.ts";
import { RunningDemo } from "./running-demo.ts";

/** On a machine that is busy with other things everything takes its time. */
const TIMEOUT_MS = 600_000;
/** Then the demo is ended from here, so that the logs of its nodes can be printed. */
const GIVEN_UP_MS = TIMEOUT_MS - 60_000;
const MOST_LOG_LINES = 60;

it(
  "holds its proof on three hosts with a cluster, one of them cut off for a while and healed",
  { timeout: TIMEOUT_MS },
  async (context) => {
    if (SERVER !== true) context.skip(SERVER);
    const lacking = hostsLacking();
    if (lacking !== undefined) context.skip(lacking);
    using hosts = new Hosts(3);
    await using stack = new AsyncDisposableStack();
    const servers = await NatsServer.clusterOn(hosts.all);
    for (const server of servers) stack.defer(() => server.dispose());
    const [first, , third] = hosts.all;
    if (first === undefined || third === undefined) throw new Error("There are no hosts.");
    const addresses = servers.map(({ url }) => url).join();
    const through = hosts.all.map((host) => host.through.join(" ")).join();
    // Each node is a process, and all begin at once: no more of them than it takes.
    const args = ["--quick", "--workers", "1", "--generations", "2", "--queue", addresses];
    await using demo = new RunningDemo([...args, "--through", through], first.through);
    const givenUp = setTimeout(() => demo.process.kill("SIGINT"), GIVEN_UP_MS);
    stack.defer(() => clearTimeout(givenUp));
    try {
      // In the middle of a generation; the third host has the trainer, and a server that may lead.
      await demo.until(() => demo.count("games") >= 3);
      hosts.cut(2);
      // No longer than that: a cut that outlasts the leases is a matter of another test.
      await until(async () => !(await reaches(first, third)));
      hosts.heal(2);
      await until(() => reaches(first, third));
      expect(await demo.exitCode(), demo.stdout + demo.stderr).toBe(0);
      const report = demo.json("report.json") as Report;
      expect(report.ok).toBe(true);
      expect(report.restarts).toEqual([]);
      expect(report.promotions).toBeGreaterThan(0);
      expect(demo.stdout).toContain("checks hold");
      console.log(`${report.events.total} events, ${report.promotions} promotions`);
    } catch (error) {
      console.error(`${demo.stdout}\n${demo.stderr}\n${logsOf(demo)}`);
      throw error;
    }
  },
);

/** Whether the server of another host answers. */
async function reaches(from: Host, to: Host): Promise<boolean> {
  const [program, ...args] = from.through;
  if (program === undefined) throw new Error("A host of its own has a command.");
  const ask = `exec 3<>/dev/tcp/${to.address}/4222 && read -r line <&3`;
  const child = spawn(program, [...args, "timeout", "1", "bash", "-c", ask], { stdio: "ignore" });
  return new Promise((resolve) => child.once("exit", (code) => resolve(code === 0)));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}

/** The ends of what the nodes of a run have logged. */
function logsOf(demo: RunningDemo): string {
  try {
    const folder = join(demo.folder, "logs");
    return readdirSync(folder)
      .map((name) => {
        const lines = readFileSync(join(folder, name), "utf8").trimEnd().split("\n");
        return [`--- ${name}`, ...lines.slice(-MOST_LOG_LINES)].join("\n");
      })
      .join("\n");
  } catch (error) {
    return `There are no logs of nodes: ${String(error)}`;
  }
}
