import { afterAll, beforeAll, beforeEach, onTestFinished } from "vitest";
import { type NatsEventQueue, type NatsQueueOptions, openNatsQueue } from "../src/index.ts";
import { NatsServer, SERVER } from "test-servers";

/** A server for all tests of a file, which are skipped where there is none. */
export function withServer(more = ""): {
  readonly server: NatsServer;
  /** A queue that is closed after the test, on a stream of its own unless it is named. */
  open(options?: Partial<NatsQueueOptions>): Promise<NatsEventQueue>;
} {
  let server: NatsServer | undefined;
  let count = 0;
  beforeAll(async () => {
    if (SERVER === true) server = await NatsServer.start(more);
  });
  afterAll(() => server?.dispose());
  beforeEach((context) => {
    if (SERVER !== true) context.skip(SERVER);
  });
  const running = (): NatsServer => {
    if (server === undefined) throw new Error("There is no server.");
    return server;
  };
  return {
    get server() {
      return running();
    },
    async open(options = {}) {
      count += 1;
      const stream = `test-${count}`;
      const queue = await openNatsQueue({ servers: running().url, stream, ...options });
      onTestFinished(() => queue.close());
      return queue;
    },
  };
}
