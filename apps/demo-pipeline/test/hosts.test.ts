import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Hosts, hostsLacking, NatsServer, SERVER } from "test-servers";
import type { Report } from "../src/report/summary.ts";
import { RunningDemo } from "./running-demo.ts";

it("holds its proof on three hosts with a cluster, one of them cut off for a while and healed", async (context) => {
  if (SERVER !== true) context.skip(SERVER);
  const lacking = hostsLacking();
  if (lacking !== undefined) context.skip(lacking);
  using hosts = new Hosts(3);
  await using stack = new AsyncDisposableStack();
  const servers = await NatsServer.clusterOn(hosts.all);
  for (const server of servers) stack.defer(() => server.dispose());
  const [first] = hosts.all;
  const args = ["--quick", "--generations", "2", "--queue", servers.map(({ url }) => url).join()];
  const through = hosts.all.map((host) => host.through.join(" ")).join();
  await using demo = new RunningDemo([...args, "--through", through], first?.through);
  // In the middle of a generation; the third host has sync, promoter, and a server that may lead.
  await demo.until(() => demo.count("games") >= 3);
  hosts.cut(2);
  await sleep(5_000);
  hosts.heal(2);
  expect(await demo.exitCode(), demo.stdout + demo.stderr).toBe(0);
  const report = demo.json("report.json") as Report;
  expect(report.ok).toBe(true);
  expect(report.restarts).toEqual([]);
  expect(report.promotions).toBeGreaterThan(0);
  expect(demo.stdout).toContain("checks hold");
  console.log(`${report.events.total} events, ${report.promotions} promotions`);
});
