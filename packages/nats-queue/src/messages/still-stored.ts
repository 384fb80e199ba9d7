import type { Connection } from "../connection/connection.ts";
import type { RawMessage } from "./raw-message.ts";

/** Something that a stream had when it was read: where, since when, and on which connection it was read. */
export type Stored = Pick<RawMessage, "position" | "time" | "link">;

/**
 * Whether a stream still has something: a server that was killed may have lost the end of it, and given the position anew. It
 * is asked only where the connection broke since; what is removed by its age counts as there.
 */
export async function isStillStored(
  connection: Connection,
  stream: string,
  { position, time, link }: Stored,
): Promise<boolean> {
  if (link === connection.link) return true;
  const { streams } = connection.jsm;
  const message = await streams.getMessage(stream, { seq: position });
  if (message !== null) return Date.parse(message.timestamp) === time;
  return position <= (await streams.info(stream)).state.last_seq;
}
