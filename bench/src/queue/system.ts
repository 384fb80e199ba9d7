/** What one sample of a pipeline is made with. */
export interface PipelineOptions {
  /** Path of the database file, or port of the server. */
  readonly at: string;
  /** Events that are published, and taken, at once; 1: each is awaited before the next. */
  readonly batch: number;
  readonly survives: "process-crash" | "power-loss";
}

/** The publishing process's end. */
export interface PublishingEnd {
  /** Resolves when so many are stored. */
  publish(events: number): Promise<void>;
  close(): Promise<void>;
}

/** The consuming process's end. */
export interface ConsumingEnd {
  /** Resolves when so many were received and their acks were stored. */
  consume(events: number): Promise<void>;
  close(): Promise<void>;
}

/** A queue to measure: the code of one file in `systems/`. */
export interface System {
  /** Makes what both ends need; run once, before either is opened. */
  prepare(options: PipelineOptions): Promise<void>;
  openPublisher(options: PipelineOptions): Promise<PublishingEnd>;
  openConsumer(options: PipelineOptions): Promise<ConsumingEnd>;
}

/** Does something so many times: `batch` at once, the last time what is left. */
export async function inBatches(
  events: number,
  batch: number,
  act: (size: number) => Promise<unknown>,
): Promise<void> {
  for (let done = 0; done < events; done += batch) await act(Math.min(batch, events - done));
}
