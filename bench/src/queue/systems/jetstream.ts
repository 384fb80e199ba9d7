import { AckPolicy, type Consumer, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { payload } from "../payload.ts";
import { inBatches, type System } from "../system.ts";

const STREAM = "BENCH";
const SUBJECT = "bench.tick";
const EXPIRES_MS = 5_000;

/** NATS JetStream on files: publishes of a batch at once, fetches of a batch; one by one each ack is awaited. */
export const jetStream: System = {
  async prepare({ at }) {
    const connection = await open(at);
    const manager = await jetstreamManager(connection);
    await manager.streams.delete(STREAM).catch(() => {});
    await manager.streams.add({ name: STREAM, subjects: [SUBJECT] });
    await manager.consumers.add(STREAM, {
      durable_name: "bench",
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 10_000,
    });
    await connection.close();
  },

  async openPublisher({ at, batch }) {
    const connection = await open(at);
    const stream = jetstream(connection);
    return {
      publish: (events) =>
        inBatches(events, batch, (size) =>
          Promise.all(
            Array.from({ length: size }, () => stream.publish(SUBJECT, JSON.stringify(payload))),
          ),
        ),
      close: () => connection.close(),
    };
  },

  async openConsumer({ at, batch }) {
    const connection = await open(at);
    const consumer = await jetstream(connection).consumers.get(STREAM, "bench");
    return {
      async consume(events) {
        let done = 0;
        while (done < events) {
          done +=
            batch === 1 ? await takeOne(consumer) : await take(consumer, batch, events - done);
        }
        // The acks have reached the server when it answers this.
        await connection.flush();
      },
      close: () => connection.close(),
    };
  },
};

async function takeOne(consumer: Consumer): Promise<number> {
  const message = await consumer.next({ expires: EXPIRES_MS });
  if (message === null) return 0;
  message.json();
  return (await message.ackAck()) ? 1 : 0;
}

async function take(consumer: Consumer, batch: number, most: number): Promise<number> {
  let taken = 0;
  const messages = await consumer.fetch({
    max_messages: Math.min(batch, most),
    expires: EXPIRES_MS,
  });
  for await (const message of messages) {
    message.json();
    message.ack();
    taken += 1;
  }
  return taken;
}

function open(port: string): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${port}` });
}
