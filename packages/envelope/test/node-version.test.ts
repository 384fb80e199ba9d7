import { expect, test } from "vitest";
import { requireNode } from "../src/host/node-version.ts";

test.each(["20.20.2", "22.18.0", "18.0.0"])("Node.js %s is refused", (version) => {
  expect(() => requireNode(version)).toThrow(
    expect.objectContaining({
      code: "NODE_TOO_OLD",
      message: expect.stringContaining(`"${version}"`),
    }),
  );
});

test.each(["22.19.0", "24.0.0", "26.1.0-nightly"])("Node.js %s will do", (version) => {
  expect(() => requireNode(version)).not.toThrow();
});
