import { until } from "./suite.ts";

/** What queues report as process warnings, from the call on until `end`. */
export interface Warnings {
  /** Waits for one that contains this text. */
  until(text: string): Promise<void>;
  /** All there were. */
  end(): readonly string[];
}

/** Begins to listen. */
export function warningsOf(): Warnings {
  const messages: string[] = [];
  const note = (warning: Error): void => {
    if (warning.name === "QueueWarning") messages.push(warning.message);
  };
  process.on("warning", note);
  return {
    until: (text) =>
      until(`"${text}" is reported`, () => messages.some((one) => one.includes(text))),
    end: () => {
      process.off("warning", note);
      return messages;
    },
  };
}
