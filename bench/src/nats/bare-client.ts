import {
  AckPolicy,
  type Consumer,
  jetstream,
  type JetStreamClient,
  jetstreamManager,
} from "@nats-io/jetstream";
import { createLineage } from "@ringrift/envelope";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { payload } from "../queue/payload.ts";

const SUBJECT = "bare.tick";
const EXPIRES_MS = 5_000;

/** The NATS client alone, doing the same work: ids, the same headers, confirmed publishes and confirmed acks. */
export class BareClient {
  readonly #connection: NatsConnection;
  readonly #stream: JetStreamClient;
  readonly #consumer: Consumer;

  static async open(port: number): Promise<BareClient> {
    const connection = await connect({ servers: `127.0.0.1:${port}` });
    const manager = await jetstreamManager(connection);
    await manager.streams.delete("BARE").catch(() => {});
    await manager.streams.add({ name: "BARE", subjects: [SUBJECT] });
    await manager.consumers.add("BARE", {
      durable_name: "bare",
      ack_policy: AckPolicy.Explicit,
      max_ack_pending: 20_000,
    });
    const stream = jetstream(connection);
    return new BareClient(connection, stream, await stream.consumers.get("BARE", "bare"));
  }

  private constructor(connection: NatsConnection, stream: JetStreamClient, consumer: Consumer) {
    this.#connection = connection;
    this.#stream = stream;
    this.#consumer = consumer;
  }

  async send(): Promise<void> {
    const lineage = createLineage({});
    const header = headers();
    header.set("Ringrift-Id", lineage.id);
    header.set("Ringrift-Lineage", JSON.stringify(lineage));
    header.set("Ringrift-Stored-At", String(Date.now()));
    await this.#stream.publish(SUBJECT, JSON.stringify(payload), {
      msgID: lineage.id,
      headers: header,
    });
  }

  /** Takes up to `limit` and settles each. */
  async take(limit: number): Promise<number> {
    const messages = await this.#consumer.fetch({ max_messages: limit, expires: EXPIRES_MS });
    const acks: Promise<boolean>[] = [];
    for await (const message of messages) {
      message.json();
      acks.push(message.ackAck());
    }
    return (await Promise.all(acks)).length;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
