import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { runInNewContext } from "node:vm";
import { join } from "node:path";
import { build, type BuildResult } from "esbuild";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { runNode } from "./consumer.ts";

/** What the bundle does where it runs; its last event is read there. */
const PROGRAM = `
  import { createEventBus } from "@ringrift/core-bus";
  const bus = createEventBus();
  const seen = [];
  bus.subscribe("tr*ing.*", (event) => seen.push(event));
  bus.publishSync("training.completed", { loss: 0.01 });
  globalThis.seen = seen;
  globalThis.published = bus.publish("training.started", { epochs: 3 });
`;

const coreBus = join(import.meta.dirname, "../../packages/core-bus");

describe("a browser's bundle of core-bus", () => {
  let bundle: BuildResult<{ write: false; metafile: true }>;
  let code: string;

  beforeAll(async () => {
    bundle = await build({
      stdin: { contents: PROGRAM, resolveDir: coreBus, loader: "ts" },
      absWorkingDir: coreBus,
      bundle: true,
      write: false,
      metafile: true,
      minify: true,
      format: "iife",
      platform: "browser",
      conditions: ["@ringrift/source", "browser"],
      logLevel: "silent",
    });
    code = bundle.outputFiles[0]!.text;
  });

  it("is built without a warning", () => {
    expect(bundle.warnings).toEqual([]);
  });

  it("leaves no import behind, of Node.js or of anything else", () => {
    const [output] = Object.values(bundle.metafile.outputs);
    expect(output?.imports).toEqual([]);
    expect(code).not.toMatch(/["']node:/);
    const files = Object.keys(bundle.metafile.inputs);
    expect(files).toContainEqual(expect.stringContaining("platform.browser.ts"));
    expect(files).not.toContainEqual(expect.stringContaining("platform.node.ts"));
  });

  it("delivers events where there is neither process nor require", async () => {
    // A bare context has ECMAScript only; of what every browser adds, the bus needs random numbers.
    const context: {
      crypto: typeof globalThis.crypto;
      seen?: { id: string; topic: string; payload: unknown; correlationId: string }[];
      published?: Promise<{ delivered: number }>;
    } = { crypto: globalThis.crypto };
    expect(
      runInNewContext("[typeof process, typeof require, typeof Buffer].join()", { ...context }),
    ).toBe("undefined,undefined,undefined");

    runInNewContext(code, context);
    const delivery = await context.published;

    expect(delivery?.delivered).toBe(1);
    expect(context.seen?.map(({ topic }) => topic)).toEqual([
      "training.completed",
      "training.started",
    ]);
    expect(context.seen?.[0]?.payload).toMatchObject({ loss: 0.01 });
    expect(context.seen?.[0]?.id).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("a CommonJS bundle with the queue", () => {
  const queue = join(import.meta.dirname, "../../packages/cross-process-queue");
  const program = `
    import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
    const queue = new CrossProcessEventQueue("events.db");
    queue.send("A", {}).then(({ position }) => position, ({ code, message }) => code + " " + message)
      .then((said) => { console.log(said); return queue.close(); });
  `;

  /** What it prints, in a folder of its own, with or without the driver next to it. */
  async function run({ hasDriver }: { readonly hasDriver: boolean }): Promise<string> {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), "ringrift-bundle-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await build({
      stdin: { contents: program, resolveDir: queue, loader: "ts" },
      bundle: true,
      outfile: join(folder, "bundle.cjs"),
      format: "cjs",
      platform: "node",
      conditions: ["@ringrift/source"],
      logLevel: "silent",
    });
    if (hasDriver) {
      mkdirSync(join(folder, "node_modules"));
      const driver = join(import.meta.dirname, "../node_modules/better-sqlite3");
      symlinkSync(realpathSync(driver), join(folder, "node_modules/better-sqlite3"));
    }
    return (await runNode(["bundle.cjs"], folder)).stdout.trim();
  }

  it("finds the driver that is installed where the bundle is", async () => {
    expect(await run({ hasDriver: true })).toBe("1");
  });

  it("says where the driver is missing, and that a bundle can't hold it", async () => {
    const said = await run({ hasDriver: false });
    expect(said).toContain("DRIVER_MISSING");
    expect(said).toMatch(/bundle\.cjs.*install it where the bundle is/);
  });
});
