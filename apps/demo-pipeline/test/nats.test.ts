import { expect, it } from "vitest";
import { OLDER_SERVER, SERVER } from "test-servers";
import type { Report } from "../src/report/summary.ts";
import { RunningDemo, isRunning } from "./running-demo.ts";

it("plays on NATS as on a file: the same proof holds", async (context) => {
  if (SERVER !== true) context.skip(SERVER);
  await using demo = new RunningDemo(["--quick", "--seconds", "5", "--queue", "nats"]);
  expect(await demo.exitCode(), demo.stderr).toBe(0);
  const report = demo.json("report.json") as Report;
  expect(report.ok).toBe(true);
  expect(report.events.total).toBeGreaterThan(100);
  expect(report.promotions).toBeGreaterThan(1);
  expect(demo.stdout).toContain("checks hold");
  for (const pid of Object.values(demo.pids())) expect(isRunning(pid)).toBe(false);
});

it("says what to do when there is no server", async () => {
  await using demo = new RunningDemo(["--quick", "--queue", "nats://127.0.0.1:1"]);
  expect(await demo.exitCode()).toBe(1);
  expect(demo.stderr).toContain("No NATS server answers at nats://127.0.0.1:1");
});

it("says what to install when the server is too old", async (context) => {
  if (OLDER_SERVER === undefined) context.skip("needs an older nats-server, in NATS_SERVER_OLDER");
  const env = { NATS_SERVER: String(OLDER_SERVER) };
  await using demo = new RunningDemo(["--quick", "--queue", "nats"], [], env);
  expect(await demo.exitCode()).toBe(1);
  expect(demo.stderr).toMatch(/NATS server is of version "2\.\d+\.\d+"/);
  expect(demo.stderr).toContain("Install nats-server 2.12.1 or later");
});
