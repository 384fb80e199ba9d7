import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";

/** Runs a script in a process of its own, with nothing else in it, and gives what it wrote. */
async function run(body: string): Promise<{ code: number | null; output: string }> {
  const source = `
    import { MemoryEventQueue } from "@ringrift/event-queue";
    const queue = new MemoryEventQueue();
    process.on("exit", () => console.log("exit"));
    ${body}
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=@ringrift/source", "--input-type=module-typescript", "--eval", source],
    { cwd: new URL("..", import.meta.url), stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  return { code, output };
}

describe.concurrent("a process", () => {
  test("stays alive for a consumer, handles what comes later, and ends when it is stopped", async () => {
    const { code, output } = await run(`
      const consumer = queue.consume({ group: "g" }, () => {
        console.log("handled");
        void consumer.stop();
      });
      setTimeout(() => queue.send("A", {}), 300).unref();
    `);
    expect(output).toBe("handled\nexit\n");
    expect(code).toBe(0);
  });

  test("ends although a consumer runs that was unref'd", async () => {
    const { code, output } = await run(`
      queue.consume({ group: "g" }, () => {}).unref();
    `);
    expect(output).toBe("exit\n");
    expect(code).toBe(0);
  });

  test("stays alive for a stream until that ends", async () => {
    const { code, output } = await run(`
      setTimeout(() => queue.send("A", {}), 300).unref();
      for await (const event of queue.stream()) {
        console.log(event.type);
        break;
      }
    `);
    expect(output).toBe("A\nexit\n");
    expect(code).toBe(0);
  });

  test("stays alive while a receive waits, and no longer", async () => {
    const { code, output } = await run(`
      console.log((await queue.receive({ waitMs: 200 })).length);
      console.log((await queue.group("g").receive({ waitMs: 200 })).length);
    `);
    expect(output).toBe("0\n0\nexit\n");
    expect(code).toBe(0);
  });
});
