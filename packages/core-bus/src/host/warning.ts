import { printable, printableStack } from "@ringrift/envelope";

interface Host {
  process?: { emitWarning?(message: string, options: object): void };
  reportError?(error: unknown): void;
}

export interface WarningOptions {
  readonly type: string;
  readonly code: string;
  /** What it is about: its stack is shown. */
  readonly cause?: unknown;
}

/** Warns visibly: `process.emitWarning`; in browsers `reportError`, which reaches the console. */
export function emitWarning(message: string, { type, code, cause }: WarningOptions): void {
  const host = globalThis as Host;
  const text = printable(message);
  if (host.process?.emitWarning) {
    const detail = stackOf(cause);
    host.process.emitWarning(text, {
      type,
      code,
      ...(detail !== undefined && { detail: printableStack(detail) }),
    });
  } else {
    host.reportError?.(stackOf(cause) === undefined ? new Error(text, { cause }) : cause);
  }
}

/** The stack of what was thrown, where it has one that can be read. */
function stackOf(cause: unknown): string | undefined {
  try {
    return cause instanceof Error ? cause.stack : undefined;
  } catch {
    return undefined;
  }
}
