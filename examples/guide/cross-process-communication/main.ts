/** The guide's cross-process communication: one process sends, another receives. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

for (const file of ["send.ts", "receive.ts"]) {
  const [code] = await once(fork(join(import.meta.dirname, file)), "exit");
  if (code !== 0) process.exitCode = 1;
}
