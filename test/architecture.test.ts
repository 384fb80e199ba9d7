import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inspectArchitecture, LAYERS } from "./architecture.ts";

const root = join(import.meta.dirname, "..");

describe("the architecture", () => {
  it("holds: layers, references, imports and the shape of every package", () => {
    const found = inspectArchitecture(root);
    expect(found.problems).toEqual([]);
    expect(found.packages).toBe(Object.keys(LAYERS).length);
    expect(found.sourceFiles).toBeGreaterThan(50);
    expect(found.imports).toBeGreaterThan(150);
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
});
