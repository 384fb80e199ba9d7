import type { Tally } from "../runner/scenario.ts";

/** What is published: the same object each time. */
export interface Payload {
  readonly value: number;
}

/** The envelope as far as handlers look at it. */
export interface Enveloped {
  readonly payload: Payload;
}

export const PAYLOAD: Payload = { value: 1 };

/** Makes a handler that adds what it is given to the tally. */
type Literal<H> = (tally: Tally) => H;

/**
 * Six different functions, of the kinds that programs subscribe: arrows, function expressions, a method,
 * a bound one. No engine can inline "the" handler, and none sees functions of one shape only: a call
 * through `fn.call` (eventemitter3, node:events) is dearer then than with arrows alone.
 */
export const payloadHandlers: readonly Literal<(payload: Payload) => void>[] = [
  (tally) => (payload) => {
    tally.total += payload.value;
  },
  (tally) =>
    function add(payload) {
      tally.total = payload.value + tally.total;
    },
  (tally) =>
    ({
      add(payload: Payload): void {
        const { value } = payload;
        tally.total += value;
      },
    }).add,
  (tally) => (payload) => {
    if (payload.value > 0) tally.total += payload.value;
  },
  (tally) =>
    function add(payload) {
      tally.total -= -payload.value;
    },
  (tally) =>
    function add(this: Tally, payload: Payload): void {
      this.total += payload.value;
    }.bind(tally),
];

/** The same for those who deliver an envelope. */
export const eventHandlers: readonly Literal<(event: Enveloped) => void>[] = [
  (tally) => (event) => {
    tally.total += event.payload.value;
  },
  (tally) =>
    function add(event) {
      tally.total = event.payload.value + tally.total;
    },
  (tally) =>
    ({
      add(event: Enveloped): void {
        const { value } = event.payload;
        tally.total += value;
      },
    }).add,
  (tally) => (event) => {
    if (event.payload.value > 0) tally.total += event.payload.value;
  },
  (tally) =>
    function add(event) {
      tally.total -= -event.payload.value;
    },
  (tally) =>
    function add(this: Tally, event: Enveloped): void {
      this.total += event.payload.value;
    }.bind(tally),
];

/** Arrows alone: what a program gets that subscribes nothing else. */
export const payloadArrows: readonly Literal<(payload: Payload) => void>[] = [
  (tally) => (payload) => {
    tally.total += payload.value;
  },
  (tally) => (payload) => {
    tally.total = payload.value + tally.total;
  },
  (tally) => (payload) => {
    const { value } = payload;
    tally.total += value;
  },
  (tally) => (payload) => {
    if (payload.value > 0) tally.total += payload.value;
  },
  (tally) => (payload) => {
    tally.total -= -payload.value;
  },
  (tally) => (payload) => {
    const next = tally.total + payload.value;
    tally.total = next;
  },
];

export const eventArrows: readonly Literal<(event: Enveloped) => void>[] = [
  (tally) => (event) => {
    tally.total += event.payload.value;
  },
  (tally) => (event) => {
    tally.total = event.payload.value + tally.total;
  },
  (tally) => (event) => {
    const { value } = event.payload;
    tally.total += value;
  },
  (tally) => (event) => {
    if (event.payload.value > 0) tally.total += event.payload.value;
  },
  (tally) => (event) => {
    tally.total -= -event.payload.value;
  },
  (tally) => (event) => {
    const next = tally.total + event.payload.value;
    tally.total = next;
  },
];

export const asyncPayloadHandlers: readonly Literal<(payload: Payload) => Promise<void>>[] = [
  (tally) => async (payload) => {
    tally.total += payload.value;
  },
  (tally) =>
    async function add(payload) {
      tally.total = payload.value + tally.total;
    },
  (tally) =>
    ({
      async add(payload: Payload): Promise<void> {
        const { value } = payload;
        tally.total += value;
      },
    }).add,
  (tally) => async (payload) => {
    if (payload.value > 0) tally.total += payload.value;
  },
  (tally) =>
    async function add(payload) {
      tally.total -= -payload.value;
    },
  (tally) =>
    async function add(this: Tally, payload: Payload): Promise<void> {
      this.total += payload.value;
    }.bind(tally),
];

export const asyncEventHandlers: readonly Literal<(event: Enveloped) => Promise<void>>[] = [
  (tally) => async (event) => {
    tally.total += event.payload.value;
  },
  (tally) =>
    async function add(event) {
      tally.total = event.payload.value + tally.total;
    },
  (tally) =>
    ({
      async add(event: Enveloped): Promise<void> {
        const { value } = event.payload;
        tally.total += value;
      },
    }).add,
  (tally) => async (event) => {
    if (event.payload.value > 0) tally.total += event.payload.value;
  },
  (tally) =>
    async function add(event) {
      tally.total -= -event.payload.value;
    },
  (tally) =>
    async function add(this: Tally, event: Enveloped): Promise<void> {
      this.total += event.payload.value;
    }.bind(tally),
];

/** So many handlers, the literals in turn, beginning with the one at `rotation`. */
export function some<H>(
  literals: readonly Literal<H>[],
  count: number,
  tally: Tally,
  rotation: number,
): H[] {
  return Array.from({ length: count }, (_, index) =>
    literals[(rotation + index) % literals.length]!(tally),
  );
}
