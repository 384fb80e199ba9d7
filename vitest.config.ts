import { readdirSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { defineConfig } from "vitest/config";

const packages = readdirSync("packages");
/** Tests read source: no build is needed, and none can be stale. */
const resolve = { conditions: ["@ringrift/source"] };
const ssr = {
  resolve: { conditions: ["@ringrift/source"], externalConditions: ["@ringrift/source"] },
};
const common = {
  environment: "node" as const,
  pool: "forks" as const,
  execArgv: ["--conditions=@ringrift/source", "--expose-gc"],
  testTimeout: 30_000,
  // Child processes that tests start take a third of the time to begin, once their modules were compiled.
  env: { NODE_COMPILE_CACHE: absolute("node_modules/.cache/compiled") },
};

export default defineConfig({
  resolve,
  ssr,
  test: {
    projects: [
      ...packages.map((name) => ({
        resolve,
        ssr,
        test: {
          ...common,
          name,
          include: [`packages/${name}/test/**/*.test.ts`],
        },
      })),
      {
        resolve,
        ssr,
        test: {
          ...common,
          name: "types",
          include: [],
          // One run of the compiler for all packages; `pnpm check` looks at everything else.
          typecheck: {
            enabled: true,
            only: true,
            ignoreSourceErrors: true,
            tsconfig: "tsconfig.test.json",
            include: ["packages/*/test/**/*.test-d.ts"],
          },
        },
      },
      {
        resolve,
        ssr,
        test: {
          ...common,
          name: "workspace",
          include: [
            "test/**/*.test.ts",
            "apps/*/test/**/*.test.ts",
            "examples/**/*.test.ts",
            "bench/test/**/*.test.ts",
            "torture/test/**/*.test.ts",
            "simulation/test/**/*.test.ts",
          ],
          testTimeout: 120_000,
        },
      },
    ],
  },
});
