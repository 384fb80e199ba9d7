import { type ChildProcess, spawn } from "node:child_process";

/** Where an example runs, and where its output goes. */
export interface StartOptions {
  /** Its working directory: the examples put their files in `data/` there. */
  readonly cwd: string;
  readonly stdio: "inherit" | "pipe";
  /** @default none */
  readonly arguments?: readonly string[];
}

/**
 * Starts an example as a process of this very Node.js, reading the packages' sources: no build is
 * needed. Outside of this repository the condition is left out, and `node example.ts` is enough.
 */
export function startExample(file: string, options: StartOptions): ChildProcess {
  const { cwd, stdio, arguments: more = [] } = options;
  return spawn(process.execPath, ["--conditions=@ringrift/source", file, ...more], {
    cwd,
    stdio: ["ignore", stdio, stdio],
  });
}
