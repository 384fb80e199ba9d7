import { expect, test } from "vitest";
import { tempPath } from "../temp-queue.ts";
import { Child } from "./child.ts";

const LIMIT = ["sh", "-c", 'ulimit -n 128 && exec "$@"', "sh"];

// With each descriptor more that is left, something else is the first that can't be opened.
test.skipIf(process.platform === "win32").each([0, 1, 2, 3, 4])(
  "a process that can open %i more files says so, and goes on when it can open others",
  async (leave) => {
    const child = new Child("crowded", { path: tempPath(), leave }, { launcher: LIMIT });
    const first = await child.line(({ kind }) => kind === "refused" || kind === "stored");
    if (leave === 0) expect(first.kind).toBe("refused");
    const isRefused = first.kind === "refused";
    expect(first.code).toBe(isRefused ? "CANNOT_OPEN" : undefined);
    expect(first.text ?? "EMFILE").toContain("EMFILE");
    const { position } = await child.line(({ kind }) => kind === "done");
    expect(position).toBe(isRefused ? 1 : 2);
  },
);
