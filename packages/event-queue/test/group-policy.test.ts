import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  backoffDelayMs,
  checkGroupPolicy,
  checkSameGroupPolicy,
  completeGroupPolicy,
  decodeGroupPolicy,
  encodeGroupPolicy,
} from "../src/backend.ts";

const policy = fc.record(
  {
    eventTypes: fc.uniqueArray(fc.constantFrom("A", "B", "C"), { minLength: 1 }),
    maxAttempts: fc.integer({ min: 1, max: 100 }),
    leaseMs: fc.integer({ min: 10, max: 100_000 }),
    expireAfterMs: fc.integer({ min: 1, max: 1_000_000 }),
    skipAfterMs: fc.integer({ min: 1, max: 1_000_000 }),
    holdMs: fc.integer({ min: 1, max: 1_000_000 }),
    backoff: fc.record(
      {
        initialMs: fc.integer({ min: 0, max: 1_000 }),
        maxMs: fc.integer({ min: 1_000, max: 100_000 }),
        factor: fc.double({ min: 1, max: 10, noNaN: true }),
        jitter: fc.double({ min: 0, max: 1, noNaN: true }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

describe("group policies", () => {
  test("a stored policy is read as it was written", () => {
    fc.assert(
      fc.property(policy, (given) => {
        const stored = completeGroupPolicy(checkGroupPolicy(given));
        expect(decodeGroupPolicy(encodeGroupPolicy(stored))).toEqual(stored);
      }),
    );
  });

  test("whoever gives what a group was made with, or less, is welcome", () => {
    fc.assert(
      fc.property(policy, fc.array(fc.string()), (given, left) => {
        const stored = completeGroupPolicy(checkGroupPolicy(given));
        const less = Object.fromEntries(
          Object.entries(given).filter(([name]) => !left.includes(name)),
        );
        checkSameGroupPolicy("g", stored, checkGroupPolicy(less));
      }),
    );
  });

  test("the message of a mismatch has the field and both values", () => {
    const stored = completeGroupPolicy(checkGroupPolicy({ eventTypes: ["B", "A"] }));
    const given = checkGroupPolicy({ eventTypes: ["A"] });
    expect(() => checkSameGroupPolicy("billing", stored, given)).toThrow(
      'Group "billing" has eventTypes ["A","B"], and this member requires ["A"].',
    );
  });

  test("a policy of an older version gets the defaults of what it lacks", () => {
    expect(decodeGroupPolicy('{"maxAttempts":3,"backoff":{"maxMs":5000}}')).toEqual({
      eventTypes: null,
      maxAttempts: 3,
      leaseMs: 30_000,
      expireAfterMs: 604_800_000,
      skipAfterMs: null,
      holdMs: 2_592_000_000,
      handlerTimeoutMs: null,
      backoff: { initialMs: 100, maxMs: 5_000, factor: 2, jitter: 0.2 },
      paused: false,
    });
  });
});

describe("backoff", () => {
  const exact = { initialMs: 100, maxMs: 60_000, factor: 2, jitter: 0 };

  test("pauses double from 100 ms to a minute", () => {
    const pauses = [1, 2, 3, 4, 10, 11, 5_000].map((attempt) => backoffDelayMs(exact, attempt));
    expect(pauses).toEqual([100, 200, 400, 800, 51_200, 60_000, 60_000]);
  });

  test("jitter shortens a pause by at most its share", () => {
    const backoff = { ...exact, jitter: 0.25 };
    expect(backoffDelayMs(backoff, 1, () => 0)).toBe(75);
    expect(backoffDelayMs(backoff, 1, () => 0.5)).toBe(88);
    expect(backoffDelayMs(backoff, 1, () => 1)).toBe(100);
  });

  test("a pause is a whole number within its bounds, whatever the policy", () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 10_000 }), (given, attempt) => {
        const { backoff } = completeGroupPolicy(checkGroupPolicy(given));
        const pause = backoffDelayMs(backoff, attempt);
        expect(Number.isInteger(pause)).toBe(true);
        expect(pause).toBeLessThanOrEqual(backoff.maxMs);
        expect(pause).toBeGreaterThanOrEqual(Math.floor(backoff.initialMs * (1 - backoff.jitter)));
      }),
    );
  });
});
