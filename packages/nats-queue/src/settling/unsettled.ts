import type { ConsumerInfo } from "@nats-io/jetstream";
import { Cursor } from "../messages/cursor.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import type { Group } from "../groups/group.ts";
import type { GroupEngine } from "./group-engine.ts";
import { NO_KEY } from "../server/names.ts";
import type { RawMessage } from "../messages/raw-message.ts";

const PAGE = 200;

/**
 * Position of the oldest event of the log that a group has still to settle. The server tells up to where everything is
 * acknowledged, and how many above that are not; the lines of the keys tell how far each of these is. Only where the
 * oldest unacknowledged message stands for a key whose first event is settled, and others without a key are
 * unacknowledged too, it can't be told which: then the first of them counts, which may be settled.
 */
export async function oldestUnsettled(
  engine: GroupEngine,
  group: Group,
): Promise<number | undefined> {
  const info = await consumerInfo(engine, group, "log");
  const marked = await engine.lines.marked(group, engine.clock.now());
  const waiting = await Promise.all(
    marked.map(({ bucket, line }) => engine.order.find(group, bucket, line.settled)),
  );
  const tokens = marked.filter(({ line }) => line.token !== undefined).length;
  const delivered = await firstDelivered(engine, group, info, tokens);
  const found = [delivered, ...waiting].flatMap((one) => one?.position ?? []);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** The first one that the consumer has neither as settled nor behind it, but for what the lines tell. */
async function firstDelivered(
  engine: GroupEngine,
  group: Group,
  info: ConsumerInfo | undefined,
  tokens: number,
): Promise<RawMessage | undefined> {
  const isUnderWay = info !== undefined && info.num_ack_pending > tokens;
  const behind = isUnderWay ? info.ack_floor.stream_seq : (info?.delivered.stream_seq ?? 0);
  const settled = new Map<string, number>();
  for await (const message of wanted(engine, group, Math.max(group.start, behind))) {
    const bucket = engine.names.bucketOf(message.subject);
    if (bucket === NO_KEY) return message;
    const upTo = settled.get(bucket) ?? (await engine.lines.read(group, bucket)).line.settled;
    settled.set(bucket, upTo);
    if (message.position > upTo) return message;
  }
  return undefined;
}

/** What a group wants of the log above a position. */
async function* wanted(
  { connection, names }: GroupEngine,
  { policy }: Group,
  after: number,
): AsyncGenerator<RawMessage, void> {
  const filters = (policy.eventTypes ?? []).map((type) => names.eventsOf(type));
  const cursor = new Cursor(connection, names.stream, { filters, after, headersOnly: true });
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
