import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { QueueError } from "@ringrift/event-queue";
import { describe, expect, it, onTestFinished } from "vitest";
import { NatsServer, OLDER_SERVER } from "test-servers";
import { openNatsQueue } from "../src/index.ts";

/** A server that says so much and no more: that it is of this version. */
async function serverThatSays(version: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const info = { server_id: "A", version, headers: true, max_payload: 1_048_576, proto: 1 };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("data", (data) => {
      if (data.includes("PING")) socket.write("PONG\r\n");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port.");
  return `nats://127.0.0.1:${address.port}`;
}

async function refusal(servers: string): Promise<QueueError> {
  const error: unknown = await openNatsQueue({ servers, stream: "orders", patienceMs: 500 }).then(
    (queue) => queue.close(),
    (error: unknown) => error,
  );
  if (error instanceof QueueError) return error;
  throw new Error(`Expected a QueueError, got ${String(error)}`);
}

describe("a server that is too old", () => {
  it.each(["2.9.10", "2.10.27", "2.11.9", "1.99.0", "2.12.0"])(
    "of version '%s' is refused with what was found and what is needed",
    async (version) => {
      const { code, message } = await refusal(await serverThatSays(version));
      expect(code).toBe("SERVER_TOO_OLD");
      expect(message).toContain(`version "${version}"`);
      expect(message).toContain("2.12.1 or later is needed");
    },
  );

  it("is told from another one by what it lacks", async () => {
    const filters = "consumers with several filters (2.10)";
    const oldest = await refusal(await serverThatSays("2.9.10"));
    expect(oldest.message).toContain(filters);
    const { message } = await refusal(await serverThatSays("2.11.9"));
    expect(message).not.toContain(filters);
    expect(message).toContain("atomic batches (allow_atomic) (2.12)");
    expect(message).toContain("scheduled messages (allow_msg_schedules) (2.12)");
    expect((await refusal(await serverThatSays("2.12.0"))).message).toContain(
      "It lacks: message ids in atomic batches (2.12.1).",
    );
  });

  it.each(["2.12.1", "2.12.1-RC.2", "2.15.1", "3.0.0"])(
    "isn't one of version '%s'",
    async (version) => {
      expect((await refusal(await serverThatSays(version))).code).not.toBe("SERVER_TOO_OLD");
    },
  );

  it("is refused as it really is", async (context) => {
    if (OLDER_SERVER === undefined)
      context.skip("needs an older nats-server, in NATS_SERVER_OLDER");
    const server = await NatsServer.start("", true, OLDER_SERVER);
    onTestFinished(() => server.dispose());
    const { code, message } = await refusal(server.url);
    expect(code).toBe("SERVER_TOO_OLD");
    expect(message).toMatch(/version "2\.\d+\.\d+"/);
  });
});
