import { globSync, readdirSync } from "node:fs";
import { join, resolve as absolute } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests read source: no build is needed, and none can be stale. */
const resolve = { conditions: ["@ringrift/source"] };
const ssr = {
  resolve: { conditions: ["@ringrift/source"], externalConditions: ["@ringrift/source"] },
};
const common = {
  environment: "node" as const,
  pool: "forks" as const,
  execArgv: ["--conditions=@ringrift/source", "--expose-gc"],
  // Child processes that tests start take a third of the time to begin, once their modules were compiled.
  env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/compiled") },
};

function project(name: string, include: string[], testTimeout: number) {
  return { resolve, ssr, test: { ...common, name, include, testTimeout } };
}

function ofPackage(name: string) {
  const tests = `packages/${name}/test`;
  const { test, ...rest } = project(name, [`${tests}/**/*.test.ts`], 30_000);
  const include = [`${tests}/**/*.test-d.ts`];
  const enabled = globSync(include, { cwd: import.meta.dirname }).length > 0;
  // `pnpm typecheck` looks at everything else.
  const typecheck = {
    enabled,
    ignoreSourceErrors: true,
    tsconfig: `${tests}/tsconfig.json`,
    include,
  };
  return { ...rest, test: { ...test, typecheck } };
}

/** Those that start processes, build and pack. */
const SLOW_MS = 120_000;

/** The script that runs this. Each runs in the folder of its package; the counts are kept there. */
const task = (process.env["npm_lifecycle_event"] ?? "vitest").replace(":", "-");

export default defineConfig({
  resolve,
  ssr,
  test: {
    reporters: ["default", ["json", { outputFile: absolute(".turbo", `${task}.json`) }]],
    projects: [
      ...readdirSync(join(import.meta.dirname, "packages")).map(ofPackage),
      project("demo-pipeline", ["apps/demo-pipeline/test/**/*.test.ts"], SLOW_MS),
      project("bench", ["bench/test/**/*.test.ts"], SLOW_MS),
      project("examples", ["examples/**/*.test.ts"], SLOW_MS),
      project("simulation", ["simulation/test/**/*.test.ts"], SLOW_MS),
      project("torture", ["torture/test/**/*.test.ts"], SLOW_MS),
      // Of the packages together.
      project("together", ["test/{packaging,process}/**/*.test.ts"], SLOW_MS),
      // Of the code and the texts of the whole repository.
      project("repository", ["test/{architecture,docs}/**/*.test.ts"], SLOW_MS),
    ],
  },
});
