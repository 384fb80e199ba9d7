import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

test("a stream that has ended is forgotten, with the page it had read", async () => {
  setFlagsFromString("--expose-gc");
  // The cast is safe: the flag puts a function there.
  const collect = runInNewContext("gc") as () => void;
  const queue = openQueue(tempPath());
  await queue.sendMany([1, 2, 3].map((n) => ({ type: "A", payload: { n } })));
  const streams = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const stream = queue.stream({ from: "beginning" });
      for await (const event of stream) {
        expect(event.payload).toEqual({ n: 1 });
        break;
      }
      return new WeakRef(stream);
    }),
  );
  // The last ones may still be on some stack.
  await until(() => {
    collect();
    return streams.filter((stream) => stream.deref() !== undefined).length < 5;
  });
});
