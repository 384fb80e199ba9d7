import { type PackageFiles, PublicApi } from "./public-api.ts";

/** What an inspection of the public documentation looked at, and what it found missing. */
export interface DocFindings {
  readonly problems: string[];
  readonly exports: number;
  /** Optional members of exported options. */
  readonly options: number;
  /** Functions, methods and constructors that throw coded errors, by the rules of {@link inspectPublicDocs}. */
  readonly checkedCalls: number;
}

/** Types whose optional members are options. */
const OPTIONS = /(?:Options|Query|Filter)$/;
/**
 * Holds what the packages export against three rules:
 *
 * - Every export has a docstring.
 * - Every optional member of an exported type named …Options, …Query or …Filter, and of what it extends,
 *   has an `@default`: in words where leaving it out isn't the same as a value.
 * - Every checked call has an `@throws`. A function or constructor is one if its source throws an error with a code,
 *   or calls a function, with arguments, whose docstring has an `@throws`; a method is one for the same reasons, or if
 *   it takes options. A method that implements a documented one needs no docstring of its own.
 *
 * `./backend` and `./testing` are for those who write a queue: options were checked and completed before they come
 * there, so the rule about defaults doesn't apply, and of checked calls the source alone decides.
 */
export function inspectPublicDocs(files: PackageFiles): DocFindings {
  const api = new PublicApi(files);
  const problems: string[] = [];
  const options = new Set<string>();
  let checkedCalls = 0;
  const all = api.exports();
  for (const found of all) {
    const { declaration, path, isForUsers } = found;
    const { name } = declaration;
    if (declaration.doc === "") problems.push(`${path}: ${name} has no docstring.`);
    if (isForUsers && OPTIONS.test(name)) {
      for (const [key, hasDefault] of api.optionsOf(found)) {
        if (options.has(key)) continue;
        options.add(key);
        if (!hasDefault) problems.push(`${key} has no @default.`);
      }
    }
    for (const call of api.callsOf(found)) {
      checkedCalls += 1;
      if (!call.doc.includes("@throws")) problems.push(`${path}: ${call.name} has no @throws.`);
    }
  }
  return { problems, exports: all.length, options: options.size, checkedCalls };
}
