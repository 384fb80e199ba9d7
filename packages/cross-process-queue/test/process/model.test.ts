import fc from "fast-check";
import { afterAll, test } from "vitest";
import { Comparison } from "../model/comparison.ts";
import { choice, scripts } from "../model/steps.ts";
import { tempPath } from "../temp-queue.ts";
import { dismissSpares, ForkedMember } from "./forked-member.ts";

afterAll(dismissSpares);

test(
  "whatever two processes do, are killed at, and see of the clock: the file says what the model in memory says",
  { timeout: 600_000 },
  async () => {
    const property = fc.asyncProperty(scripts, async (script) => {
      const comparison = new Comparison(tempPath(), ForkedMember.on);
      try {
        await comparison.play(script);
      } finally {
        await comparison.end();
      }
    });
    await fc.assert(property, choice(15));
  },
);
