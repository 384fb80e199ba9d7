import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

/** Removes what a queue has in a server. */
export async function removeStreams(url: string, stream: string): Promise<void> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  for (const name of [stream, `${stream}-dead`, `${stream}-state`]) {
    // A case may have used no queue at all.
    await manager.streams.delete(name).catch(() => {});
  }
  await connection.close();
}
