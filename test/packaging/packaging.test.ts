import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildPackages, installPackages, type Packed, runNode } from "./consumer.ts";

const root = join(import.meta.dirname, "../..");

describe("the packed packages, installed outside of the workspace", () => {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-consumer-"));
  let packages: Packed[];

  beforeAll(async () => {
    await buildPackages(root);
    packages = await installPackages(root, folder);
  }, 100_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it("are built where their manifests say", () => {
    const built = globSync("packages/*/dist/index.js", { cwd: root });
    expect(built).toHaveLength(packages.length);
  });

  it("hold what is needed and nothing else", () => {
    expect(packages).toHaveLength(8);
    for (const { name, files } of packages) {
      expect(files, name).toEqual(
        expect.arrayContaining([
          "dist/index.js",
          "dist/index.d.ts",
          "CHANGELOG.md",
          "LICENSE",
          "README.md",
        ]),
      );
      const superfluous = files.filter((file) => /^test|tsbuildinfo|\.test|tsconfig/.test(file));
      expect(superfluous, name).toEqual([]);
    }
  });

  it("say what they are for, and where their page and their issues are", () => {
    const repository = "https://github.com/ringrift/ringrift-events";
    for (const { name, manifest } of packages) {
      expect(manifest.keywords?.length, name).toBeGreaterThan(4);
      expect(manifest.homepage).toBe(`${repository}/tree/main/packages/${name}#readme`);
      expect(manifest.bugs?.url).toBe(`${repository}/issues`);
    }
  });

  it("depend on each other by version", () => {
    const ranges = packages.flatMap(({ manifest }) =>
      Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }),
    );
    const own = ranges.filter(([name]) => name.startsWith("@ringrift/"));
    expect(own.length).toBeGreaterThan(8);
    for (const [name, range] of own) expect(range, name).toMatch(/^\^\d+\.\d+\.\d+/);
  });

  it("store, work on and pass on an event, from ESM and from CommonJS", async () => {
    const [dbPath, mailbox] = [join(folder, "events.db"), join(folder, "mailbox.txt")];
    const esm = await runNode(["consumer.mts", dbPath, mailbox], folder);
    expect(esm).toMatchObject({ code: 0, stderr: "" });
    const { id, ...rest } = JSON.parse(esm.stdout) as { id: string };
    expect(rest).toEqual({
      heard: ["order.placed A-1"],
      mailed: "A-1",
      causationId: id,
      drained: true,
    });
    expect(readFileSync(mailbox, "utf8")).toBe("A-1 1999 attempt 1\n");

    const cjs = await runNode(["consumer.cjs", dbPath], folder);
    expect(cjs).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(cjs.stdout)).toEqual({
      ids: [id],
      heard: ["A-1"],
      type: "TRAINING_COMPLETED",
      sameClass: true,
    });
  });

  it("have declarations that compile without our sources", async () => {
    const compilerOptions = {
      target: "es2024",
      module: "nodenext",
      strict: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      skipLibCheck: false,
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["consumer.mts"] }),
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { code, stdout } = await runNode([tsc, "-p", folder, "--pretty", "false"], folder);
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });

  it("load under every name they export, in Node and as in a browser", async () => {
    const names = packages.flatMap(({ manifest }) =>
      Object.keys(manifest.exports)
        // The conformance suite runs inside of vitest only.
        .filter((path) => !/json$|testing$/.test(path))
        .map((path) => manifest.name + path.slice(1)),
    );
    expect(names.length).toBeGreaterThan(7);
    const source = `for (const name of ${JSON.stringify(names)}) {
      if (Object.keys(await import(name)).length === 0) throw new Error(name);
    }`;
    for (const condition of ["node", "browser"]) {
      const args = [`--conditions=${condition}`, "--input-type=module", "--eval", source];
      expect(await runNode(args, folder)).toEqual({ code: 0, stdout: "", stderr: "" });
    }
  });

  it("say that a Node.js is too old, whichever of them is imported", async () => {
    const names = packages.map(({ manifest }) => manifest.name);
    const source = `Object.defineProperty(process, "versions", {
        value: { ...process.versions, node: "20.20.2" },
      });
      const codes = [];
      for (const name of ${JSON.stringify(names)}) {
        await import(name).catch(({ code }) => codes.push(code));
      }
      console.log(codes.join());`;
    const { stdout } = await runNode(["--input-type=module", "--eval", source], folder);
    expect(stdout.trim()).toBe(names.map(() => "NODE_TOO_OLD").join());
  });

  it("don't load without what they declare", async () => {
    rmSync(join(folder, "node_modules/eventemitter3"));
    const { code, stderr } = await runNode(["consumer.cjs", join(folder, "events.db")], folder);
    expect(code).toBe(1);
    expect(stderr).toContain("Cannot find package 'eventemitter3'");
  });
});
