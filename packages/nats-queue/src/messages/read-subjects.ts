import type { Connection } from "../connection/connection.ts";
import { Cursor } from "./cursor.ts";
import type { RawMessage } from "./raw-message.ts";

const PAGE = 500;

/** Reads all messages of a stream below a subject that are there now, in order. */
export async function* readSubjects(
  connection: Connection,
  stream: string,
  range: { readonly filter: string; readonly after?: number | undefined },
): AsyncGenerator<RawMessage, void> {
  const cursor = new Cursor(connection, stream, { filters: [range.filter], after: range.after });
  try {
    for (;;) {
      const page = await cursor.next(PAGE);
      yield* page;
      if (page.length < PAGE) return;
    }
  } finally {
    await cursor.close();
  }
}
