import type { Contracts, EventView } from "@ringrift/envelope";
import { describe, expect, test } from "vitest";
import { checkEventType, checkGroupName, checkHeaders, checkOptionNames } from "../src/backend.ts";

describe("names", () => {
  test.each(["A", "TRAINING_COMPLETED", "training.completed", "a-b.c_1", "A".repeat(128)])(
    "the event type %s is well-formed",
    (type) => {
      expect(checkEventType(type)).toBe(type);
    },
  );

  test.each(["", "1A", "_A", ".a", "a b", "a\n", "é", "a*", "A".repeat(129), 7, undefined, null])(
    "the event type %j is refused",
    (type) => {
      expect(() => checkEventType(type)).toThrow(expect.objectContaining({ code: "INVALID_TYPE" }));
    },
  );

  test("a view lets its own names pass, corrects other spellings, and suggests the nearest for a typo", () => {
    const view: EventView<Contracts> = {
      kind: "queue",
      names: new Set(["NEW_GAMES_AVAILABLE"]),
      canonical: (name) => (name === "new_games" ? "NEW_GAMES_AVAILABLE" : undefined),
    };
    expect(checkEventType("NEW_GAMES_AVAILABLE", view)).toBe("NEW_GAMES_AVAILABLE");
    expect(() => checkEventType("NEW_GAMES_AVAILABEL", view)).toThrow(
      'Did you mean "NEW_GAMES_AVAILABLE"?',
    );
    expect(() => checkEventType("UNKNOWN", view)).toThrow(
      expect.objectContaining({ code: "INVALID_TYPE" }),
    );
    expect(() => checkEventType("new_games", view)).toThrow(
      'On the queue it is "NEW_GAMES_AVAILABLE"',
    );
  });

  test.each(["billing", "node:trainer-1", "4711.0-a3f2", "a/b@c", "_x"])(
    "the group name %s is well-formed",
    (name) => {
      expect(checkGroupName(name)).toBe(name);
    },
  );

  test.each(["", " a", "-a", "a\u0000", "a".repeat(129), 5])(
    "the group name %j is refused",
    (name) => {
      expect(() => checkGroupName(name)).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    },
  );

  test("headers are copied and frozen", () => {
    const given: Record<string, string> = { tenant: "acme" };
    const checked = checkHeaders(given);
    given["tenant"] = "other";
    expect(checked).toEqual({ tenant: "acme" });
    expect(Object.isFrozen(checked)).toBe(true);
  });

  test("a header called __proto__ is refused", () => {
    const headers: unknown = JSON.parse('{"__proto__":"x"}');
    expect(() => checkHeaders(headers)).toThrow(
      expect.objectContaining({ code: "INVALID_HEADERS" }),
    );
  });
});

describe("option names", () => {
  const known = new Set(["maxAttempts", "leaseMs", "from"]);

  test.each([
    ["maxAttemps", "maxAttempts"],
    ["maxattempts", "maxAttempts"],
    ["leaseMS", "leaseMs"],
    ["form", "from"],
  ])("%s gets the hint %s", (name, meant) => {
    expect(() => checkOptionNames("a group", { [name]: 1 }, known)).toThrow(
      `a group has no option "${name}". Did you mean "${meant}"?`,
    );
  });

  test("a name that resembles nothing gets the list", () => {
    expect(() => checkOptionNames("a group", { banana: 1 }, known)).toThrow(
      "It has: maxAttempts, leaseMs, from.",
    );
  });

  test("what other queues have says what to do instead", () => {
    expect(() => checkOptionNames("send", { priority: 5 }, known)).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED" }),
    );
  });

  test.each([null, 5, "x"])("options that are %j are refused", (options) => {
    expect(() => checkOptionNames("send", options as unknown as object, known)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
