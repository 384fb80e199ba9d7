import { describe, expect, it } from "vitest";
import { HELP, parseOptions } from "../src/options.ts";

function optionsOf(...args: string[]): unknown {
  const parsed = parseOptions(args);
  return parsed.kind === "run" ? parsed.options : parsed;
}

function messageOf(...args: string[]): string {
  const parsed = parseOptions(args);
  return parsed.kind === "usage" ? parsed.message : `no usage error but ${parsed.kind}`;
}

describe("the command line", () => {
  it("plays 7×7 for a minute when nothing is said", () => {
    expect(optionsOf()).toEqual({
      quick: false,
      configKey: "hex7_2p",
      size: 7,
      workers: 2,
      limit: { seconds: 60 },
      seed: "7",
      out: "runs",
      db: undefined,
      queue: undefined,
      through: [],
    });
  });

  it("plays 6×6 for a few seconds with --quick, also behind a literal --", () => {
    expect(optionsOf("--quick")).toMatchObject({ configKey: "hex6_2p", limit: { seconds: 12 } });
    expect(optionsOf("--", "--quick")).toEqual(optionsOf("--quick"));
  });

  it("takes every option in both spellings", () => {
    const spaced = ["--config", "hex5_2p", "--workers", "3", "--seconds", "9", "--seed", "x"];
    const joined = ["--config=hex5_2p", "--workers=3", "--seconds=9", "--seed=x"];
    expect(optionsOf(...spaced, "--out", "o", "--db", "d")).toMatchObject({
      size: 5,
      workers: 3,
      limit: { seconds: 9 },
      seed: "x",
      out: "o",
      db: "d",
    });
    expect(optionsOf(...joined)).toEqual(optionsOf(...spaced));
    expect(optionsOf("--generations", "4")).toMatchObject({ limit: { generations: 4 } });
  });

  it("says what a misspelt option was meant to be", () => {
    expect(messageOf("--qick")).toContain("--qick is not an option. Did you mean --quick?");
    expect(messageOf("--generation", "3")).toContain("Did you mean --generations?");
    expect(messageOf("--xyzzy")).not.toContain("Did you mean");
  });

  it("refuses values that make no sense, naming them", () => {
    expect(messageOf("--workers", "0")).toContain(
      '--workers "0" is not a whole number from 1 to 16',
    );
    expect(messageOf("--seconds", "soon")).toContain('"soon"');
    expect(messageOf("--config", "chess8_2p")).toContain('Config "chess8_2p"');
    expect(messageOf("--config")).toContain("--config needs a value");
    expect(messageOf("--seed", "--quick")).toContain("--seed needs a value");
    expect(messageOf("--quick=yes")).toContain('takes no value, but got "yes"');
    expect(messageOf("quick")).toContain('"quick" is not an option');
    expect(messageOf("--seconds", "5", "--generations", "5")).toContain("exclude each other");
    expect(messageOf("--db", "x.db", "--queue", "nats")).toContain("exclude each other");
    expect(messageOf("--queue", "redis")).toContain('--queue "redis" is neither');
  });

  it("leads its help with examples and names every option", () => {
    const parsed = parseOptions(["-h"]);
    expect(parsed).toEqual({ kind: "help", text: HELP });
    expect(HELP.startsWith("Examples:")).toBe(true);
    for (const name of [
      "quick",
      "config",
      "workers",
      "seconds",
      "generations",
      "seed",
      "db",
      "queue",
      "out",
    ]) {
      expect(HELP).toContain(`--${name}`);
    }
  });
});
