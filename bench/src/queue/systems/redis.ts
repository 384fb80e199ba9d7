import { Redis } from "ioredis";
import { payload } from "../payload.ts";
import { inBatches, type System } from "../system.ts";

const STREAM = "bench";
const GROUP = "bench";
const BLOCK_MS = 1_000;

/** Redis Streams by ioredis: batches are pipelined, and acked by one XACK. */
export const redisStreams: System = {
  async prepare({ at }) {
    const redis = new Redis(Number(at));
    await redis.del(STREAM);
    await redis.xgroup("CREATE", STREAM, GROUP, "0", "MKSTREAM");
    redis.disconnect();
  },

  async openPublisher({ at, batch }) {
    const redis = new Redis(Number(at));
    await redis.ping();
    return {
      publish: (events) =>
        inBatches(events, batch, async (size) => {
          if (size === 1) return redis.xadd(STREAM, "*", "payload", JSON.stringify(payload));
          const pipeline = redis.pipeline();
          for (let n = 0; n < size; n += 1) {
            pipeline.xadd(STREAM, "*", "payload", JSON.stringify(payload));
          }
          return pipeline.exec();
        }),
      close: async () => redis.disconnect(),
    };
  },

  async openConsumer({ at, batch }) {
    const redis = new Redis(Number(at));
    await redis.ping();
    return {
      async consume(events) {
        for (let done = 0; done < events;) {
          const ids = await receive(redis, Math.min(batch, events - done));
          if (ids.length === 0) continue;
          await redis.xack(STREAM, GROUP, ...ids);
          done += ids.length;
        }
      },
      close: async () => redis.disconnect(),
    };
  },
};

/** The ids of what was received, each payload parsed. */
async function receive(redis: Redis, count: number): Promise<string[]> {
  const answer = await redis.xreadgroup(
    "GROUP",
    GROUP,
    "consumer",
    "COUNT",
    count,
    "BLOCK",
    BLOCK_MS,
    "STREAMS",
    STREAM,
    ">",
  );
  // The cast is safe: what this command answers, for one stream.
  const [stream] = (answer ?? []) as [string, [string, string[]][]][];
  return (stream?.[1] ?? []).map(([id, fields]) => {
    JSON.parse(fields[1] ?? "");
    return id;
  });
}
