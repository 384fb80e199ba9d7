import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inspectArchitecture, LAYERS } from "./architecture.ts";

const root = join(import.meta.dirname, "../..");

describe("the architecture", () => {
  it("holds: layers, references, imports, import cycles and the shape of every package", () => {
    const found = inspectArchitecture(root);
    expect(found.problems).toEqual([]);
    expect(found.packages).toBe(Object.keys(LAYERS).length);
    expect(found.sourceFiles).toBeGreaterThan(250);
    expect(found.imports).toBeGreaterThan(1_200);
    expect(found.typeOnlyImports).toBeGreaterThan(500);
    // Each package was looked into: one whose imports were not followed would have no cycle.
    expect(Object.keys(found.innerImports)).toEqual(Object.keys(LAYERS).toSorted());
    expect(Math.min(...Object.values(found.innerImports))).toBeGreaterThan(10);
    expect(found.innerImports["cross-process-queue"]).toBeGreaterThan(150);
  });
});

describe("the architecture check fails", () => {
  let copy: string;

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "ringrift-architecture-"));
    cpSync(join(root, "packages"), join(copy, "packages"), {
      recursive: true,
      filter: (path) => !/node_modules|dist/.test(path),
    });
    expect(inspectArchitecture(copy).problems).toEqual([]);
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  function edit(file: string, change: (text: string) => string): void {
    const path = join(copy, "packages", file);
    writeFileSync(path, change(readFileSync(path, "utf8")));
  }

  it("on an upward dependency", () => {
    edit("core-bus/package.json", (text) =>
      text.replace(
        '"dependencies": {',
        '"dependencies": { "@ringrift/coordinator": "workspace:^",',
      ),
    );
    expect(inspectArchitecture(copy).problems).toContainEqual(
      expect.stringContaining("core-bus (layer 1) depends on coordinator (layer 3)"),
    );
  });

  it("on a missing project reference", () => {
    edit("coordinator/tsconfig.json", (text) => text.replace("../mappings", "../envelope"));
    expect(inspectArchitecture(copy).problems).toContainEqual(
      expect.stringContaining("don't mirror its dependencies"),
    );
  });

  it("on an undeclared import, and on a library outside its home", () => {
    edit(
      "mappings/src/index.ts",
      (text) => `import "@ringrift/core-bus";\nimport "eventemitter3";\n${text}`,
    );
    expect(inspectArchitecture(copy).problems).toEqual([
      expect.stringContaining("imports undeclared @ringrift/core-bus"),
      expect.stringContaining("imports eventemitter3, which lives in core-bus"),
    ]);
  });

  it("on an import that leaves its package", () => {
    edit(
      "mappings/src/index.ts",
      (text) => `import "../../../packages/envelope/src/index.ts";\n${text}`,
    );
    expect(inspectArchitecture(copy).problems).toContainEqual(
      expect.stringContaining("leaves its package"),
    );
  });

  it("on a package without a layer", () => {
    mkdirSync(join(copy, "packages/gossip"));
    expect(inspectArchitecture(copy).problems).toContainEqual(
      expect.stringContaining("gossip has no layer"),
    );
  });

  function add(file: string, text: string): void {
    const path = join(copy, "packages", file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  it("on two files that import each other", () => {
    add("nats-queue/src/hen.ts", 'import { egg } from "./egg.ts";\nexport const hen = [egg];\n');
    add("nats-queue/src/egg.ts", 'import { hen } from "./hen.ts";\nexport const egg = [hen];\n');
    expect(inspectArchitecture(copy).problems).toEqual([
      "nats-queue has an import cycle (egg.ts, hen.ts): egg.ts → hen.ts → egg.ts",
    ]);
  });

  it("on files that import each other's types only, however that is written", () => {
    const before = inspectArchitecture(copy).typeOnlyImports;
    add(
      "event-queue/src/hen.ts",
      'import type { Egg } from "./egg.ts";\nexport type Hen = Egg[];\n',
    );
    add("event-queue/src/egg.ts", 'export type { Chick } from "./chick.ts";\n');
    add(
      "event-queue/src/chick.ts",
      'import {\n  type Hen as Bird,\n} from "./hen.ts";\nexport type Chick = Bird;\n',
    );
    const found = inspectArchitecture(copy);
    expect(found.problems).toEqual([
      "event-queue has an import cycle (chick.ts, egg.ts, hen.ts): chick.ts → hen.ts → egg.ts → chick.ts",
    ]);
    expect(found.typeOnlyImports - before).toBe(3);
  });

  it("on a cycle by way of an import type, or of an alias in the manifest", () => {
    add("envelope/src/hen.ts", 'export type Hen = import("./egg.ts").Egg;\n');
    add("envelope/src/egg.ts", 'import type { Hen } from "./hen.ts";\nexport type Egg = Hen[];\n');
    edit(
      "envelope/src/host/platform.browser.ts",
      (text) => `import "./platform-user.ts";\n${text}`,
    );
    add("envelope/src/host/platform-user.ts", 'import "#platform";\n');
    expect(inspectArchitecture(copy).problems).toEqual([
      expect.stringContaining("(egg.ts, hen.ts)"),
      expect.stringContaining("(host/platform-user.ts, host/platform.browser.ts)"),
    ]);
  });

  it("on two folders that import each other, though no two files do", () => {
    add("nats-queue/src/barn/hen.ts", 'import type { Egg } from "../nest/egg.ts";\n');
    add("nats-queue/src/nest/egg.ts", "export type Egg = string;\n");
    add("nats-queue/src/nest/straw.ts", 'import type { Hay } from "../barn/hay.ts";\n');
    add("nats-queue/src/barn/hay.ts", "export type Hay = string;\n");
    expect(inspectArchitecture(copy).problems).toEqual([
      "nats-queue has an import cycle (folders: src/barn, src/nest): barn/hen.ts → nest/egg.ts, nest/straw.ts → barn/hay.ts",
    ]);
  });

  it("on a file of src that imports a folder which imports src, unless it is an entry", () => {
    add("event-queue/src/egg.ts", "export type Egg = string;\n");
    add(
      "event-queue/src/memory/hen.ts",
      'import type { Egg } from "../egg.ts";\nexport type Hen = Egg;\n',
    );
    const line = 'export type { Hen } from "./memory/hen.ts";\n';
    edit("event-queue/src/index.ts", (text) => line + text);
    expect(inspectArchitecture(copy).problems).toEqual([]);
    add("event-queue/src/chick.ts", line);
    expect(inspectArchitecture(copy).problems).toEqual([
      "event-queue has an import cycle (folders: src, src/memory): chick.ts → memory/hen.ts, memory/hen.ts → egg.ts",
    ]);
  });

  it("on a folder with more than nine files", () => {
    for (let count = 0; count < 9; count += 1) add(`mappings/src/barn/hen-${count}.ts`, "");
    expect(inspectArchitecture(copy).problems).toEqual([]);
    add("mappings/src/barn/hen-9.ts", "");
    expect(inspectArchitecture(copy).problems).toEqual([
      expect.stringMatching(/^mappings: barn has 10 files/),
    ]);
  });

  it("on an import it can't follow", () => {
    edit("mappings/src/index.ts", (text) => `import "./hen.ts";\n${text}`);
    expect(inspectArchitecture(copy).problems).toEqual([
      "mappings: index.ts imports hen.ts, which isn't there",
    ]);
  });
});
