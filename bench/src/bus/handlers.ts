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
export type Literal<H> = (tally: Tally) => H;

/** The handlers of a scenario, for those who deliver the payload and those who deliver an envelope. */
export interface Literals {
  readonly payload: readonly Literal<(payload: Payload) => unknown>[];
  readonly event: readonly Literal<(event: Enveloped) => unknown>[];
}

/** Six different functions of several kinds, so that no engine can inline "the" handler. */
const payloadHandlers: readonly Literal<(payload: Payload) => void>[] = [
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
const eventHandlers: readonly Literal<(event: Enveloped) => void>[] = [
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
const payloadArrows: readonly Literal<(payload: Payload) => void>[] = [
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

const eventArrows: readonly Literal<(event: Enveloped) => void>[] = [
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

const asyncPayloadHandlers: readonly Literal<(payload: Payload) => Promise<void>>[] = [
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

const asyncEventHandlers: readonly Literal<(event: Enveloped) => Promise<void>>[] = [
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

export const syncLiterals: Literals = { payload: payloadHandlers, event: eventHandlers };
export const asyncLiterals: Literals = { payload: asyncPayloadHandlers, event: asyncEventHandlers };
/** Arrow functions and nothing else. */
export const arrowLiterals: Literals = { payload: payloadArrows, event: eventArrows };

const others: readonly Literal<() => unknown>[] = [
  () => function* nothing() {},
  () =>
    class {
      static nothing(): void {}
    }.nothing,
  () => Math.random,
];

/**
 * What a whole program subscribes: arrows, functions, methods, bound ones, asynchronous ones, a built-in.
 * An emitter's code that has called all of these calls none of them as fast as one that has seen arrows
 * only; above all where it calls through `fn.call`.
 */
export const variedLiterals: Literals = {
  payload: [...payloadHandlers, ...asyncPayloadHandlers, ...others],
  event: [...eventHandlers, ...asyncEventHandlers, ...others],
};

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
