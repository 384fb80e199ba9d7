import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import { currentOwner, type Owner } from "./owner.ts";
import { VirtualTimer } from "./virtual-timer.ts";

/** Runs begin this far apart, since the clock that stamps events never goes back. */
const FIRST_EPOCH = 2_000_000_000_000;
const BETWEEN_RUNS_MS = 100_000;

/** What a run gives to the code in it. */
export interface Surroundings {
  /** The random source of everything that isn't the scheduler. */
  readonly random: () => number;
  readonly onWarning: (code: string, message: string) => void;
}

/** The clock of a run, from its beginning to its end. */
export interface VirtualTime {
  /** Says what its code is given. */
  furnish(inside: Surroundings): void;
  /** The next run begins so much later. */
  passed(ms: number): void;
  leave(): void;
}

const NOTHING: Surroundings = { random: () => 0.5, onWarning: () => {} };

let surroundings: Surroundings | undefined;
let epoch = FIRST_EPOCH;

/**
 * Puts clock, timers, random source and warnings of the simulation in place of the process's own, for the code of
 * simulated processes and for nobody else. One at a time.
 */
export function enterVirtualTime(): VirtualTime {
  if (surroundings) throw new Error("Two simulations can't run at once in one process.");
  install();
  surroundings = NOTHING;
  return {
    furnish: (inside) => {
      surroundings = inside;
    },
    passed: (ms) => {
      epoch += Math.ceil(ms) + BETWEEN_RUNS_MS;
    },
    leave: () => {
      surroundings = undefined;
    },
  };
}

/** To whom what runs now belongs, while there is a simulation. */
function owner(): Owner | undefined {
  return surroundings && currentOwner();
}

type Callback = (...args: unknown[]) => void;

let isInstalled = false;

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  installTimers();
  const { now } = Date;
  Date.now = () => {
    const mine = owner();
    return mine ? epoch + mine.scheduler.now : now();
  };
  const monotonic = performance.now.bind(performance);
  performance.now = () => {
    const mine = owner();
    // It has fractions, as the real one.
    return mine ? mine.scheduler.now + 0.25 : monotonic();
  };
  const { random } = Math;
  Math.random = () => (owner() && surroundings ? surroundings.random() : random());
  const warn = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!owner() || !surroundings) {
      Reflect.apply(warn, process, [warning, ...rest]);
      return;
    }
    const [options] = rest;
    const code = typeof options === "object" && options && "code" in options ? options.code : "";
    surroundings.onWarning(String(code), warning instanceof Error ? warning.message : warning);
  };
}

function installTimers(): void {
  const real = {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout,
    clearInterval,
    clearImmediate,
  };
  const replace = (name: "setTimeout" | "setInterval" | "setImmediate"): void => {
    const original = real[name] as (...args: unknown[]) => unknown;
    const replacement = (callback: Callback, ...rest: unknown[]): unknown => {
      const mine = owner();
      if (!mine) return original(callback, ...rest);
      const ms = name === "setImmediate" ? 0 : Number(rest.shift() ?? 1);
      return new VirtualTimer(mine, () => callback(...rest), {
        ms,
        repeats: name === "setInterval",
      });
    };
    Object.assign(globalThis, { [name]: replacement });
  };
  const clear = (name: "clearTimeout" | "clearInterval" | "clearImmediate"): void => {
    const original = real[name] as (timer: unknown) => void;
    Object.assign(globalThis, {
      [name]: (timer: unknown): void => {
        if (timer instanceof VirtualTimer) timer.close();
        else original(timer);
      },
    });
  };
  for (const name of ["setTimeout", "setInterval", "setImmediate"] as const) replace(name);
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"] as const) clear(name);
  installPromises();
}

/** Those that modules have imported by name. */
function installPromises(): void {
  const { setTimeout: sleep, setImmediate: turn } = timersPromises;
  const after = (mine: Owner, ms: number): Promise<void> =>
    new Promise((resolve) => void new VirtualTimer(mine, resolve, { ms, repeats: false }));
  Object.assign(timersPromises, {
    setTimeout: (ms: number, ...rest: unknown[]): Promise<unknown> => {
      const mine = owner();
      return mine ? after(mine, ms) : Reflect.apply(sleep, undefined, [ms, ...rest]);
    },
    setImmediate: (...rest: unknown[]): Promise<unknown> => {
      const mine = owner();
      return mine ? after(mine, 0) : Reflect.apply(turn, undefined, rest);
    },
  });
  syncBuiltinESMExports();
}
