import fc from "fast-check";
import { expect, test } from "vitest";
import { Roster } from "../src/consuming/roster.ts";

test("whatever comes and goes, a roster has what a set has", () => {
  const steps = fc.array(fc.nat({ max: 9 }), { maxLength: 100 });
  fc.assert(
    fc.property(steps, (numbers) => {
      const all = Array.from({ length: 10 }, (_, n) => ({ n, place: -1 }));
      const roster = new Roster<(typeof all)[number]>();
      const set = new Set<(typeof all)[number]>();
      // Who is there goes, and who isn't comes.
      for (const one of numbers.flatMap((n) => all[n] ?? [])) {
        if (roster.has(one)) roster.delete(one);
        else roster.add(one);
        if (!set.delete(one)) set.add(one);
        expect(new Set(roster)).toEqual(set);
        expect(roster.size).toBe(set.size);
        expect(all.filter((other) => roster.has(other))).toEqual(all.filter((o) => set.has(o)));
      }
    }),
  );
});

test("taking off a roster who isn't on it changes nothing", () => {
  const [one, other, stranger] = [{ place: -1 }, { place: -1 }, { place: -1 }];
  const roster = new Roster<{ place: number }>();
  const elsewhere = new Roster<{ place: number }>();
  for (const member of [one, other]) roster.add(member);
  elsewhere.add(stranger);
  roster.delete(stranger);
  expect([...roster]).toEqual([one, other]);
  expect(elsewhere.has(stranger)).toBe(true);
});
