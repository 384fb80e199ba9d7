import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type Declaration, type DeclarationFile, readDeclarations } from "./declarations.ts";

/** Texts by their path, as `core-bus/package.json`, `core-bus/dist/index.d.ts` and `core-bus/src/index.ts`. */
export type PackageFiles = Map<string, string>;

/** A declaration, where it is. */
export interface Found {
  readonly declaration: Declaration;
  /** The `.d.ts` that declares it. */
  readonly path: string;
}

/** One thing that a package exports. */
export interface Exported extends Found {
  /** Whether it is for users of a package, not only for those who write a queue (`./backend`, `./testing`). */
  readonly isForUsers: boolean;
}

/** A parameter that takes options: by the name of its type or by its own. */
const TAKES_OPTIONS =
  /\boptions\??: |: \w*(?:Options|Query|Filter|Policy|PublishArguments|PublishRequest)\b/;

/** Reads the manifests, sources and declarations of the built packages below `root`. */
export function readPackages(root: string): PackageFiles {
  const files: PackageFiles = new Map();
  const folder = join(root, "packages");
  for (const name of readdirSync(folder)) {
    files.set(`${name}/package.json`, readFileSync(join(folder, name, "package.json"), "utf8"));
    for (const part of ["dist", "src"]) {
      for (const file of readdirSync(join(folder, name, part), {
        recursive: true,
        encoding: "utf8",
      })) {
        if (!file.endsWith(part === "dist" ? ".d.ts" : ".ts")) continue;
        const path = `${name}/${part}/${file.replaceAll("\\", "/")}`;
        files.set(path, readFileSync(join(folder, path), "utf8"));
      }
    }
  }
  return files;
}

/** What the packages export, and what their declarations and sources say of it. */
export class PublicApi {
  readonly #files: PackageFiles;
  readonly #read = new Map<string, DeclarationFile>();
  /** Functions by name whose docstring says what they throw: those that check. */
  readonly #throwing: RegExp;

  constructor(files: PackageFiles) {
    this.#files = files;
    const names = new Set<string>();
    for (const [path, text] of files) {
      if (!path.includes("/src/")) continue;
      for (const [, doc = "", name = ""] of text.matchAll(
        /^(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n(?:export )?(?:async )?function (\w+)/gm,
      ))
        if (doc.includes("@throws")) names.add(name);
    }
    this.#throwing = new RegExp(
      String.raw`(?<![.#\w])(?:${[...names].join("|")})(?:<[^(]*>)?\((?!\))`,
    );
  }

  /** Everything that a manifest's `exports` lead to, each thing once. */
  exports(): Exported[] {
    const all = new Map<string, Exported>();
    for (const [path, text] of this.#files) {
      if (!path.endsWith("/package.json")) continue;
      const entries = Object.entries((JSON.parse(text) as { exports: object }).exports);
      for (const [key, entry] of entries) {
        if (typeof entry !== "object") continue;
        const isForUsers = key === ".";
        const { types } = entry as { types: string };
        const index = join(dirname(path), types);
        for (const name of this.#file(index).exported) {
          const found = this.#find(index, name);
          if (found === undefined) throw new Error(`${index} exports ${name}, which isn't there.`);
          const id = `${found.path} ${found.declaration.name}`;
          all.set(id, all.get(id) ?? { ...found, isForUsers });
        }
      }
    }
    return [...all.values()];
  }

  /** The options of a type, those that it takes from other types included: whether each has a default. */
  *optionsOf({ declaration, path }: Found): Generator<[key: string, hasDefault: boolean]> {
    for (const { name, isOptional, doc } of declaration.members) {
      if (isOptional) yield [`${path}: ${declaration.name}.${name}`, doc.includes("@default")];
    }
    for (const base of basesOf(declaration)) {
      const found = this.#find(path, base);
      if (found?.declaration.kind === "interface" || found?.declaration.kind === "type")
        yield* this.optionsOf(found);
    }
  }

  /** What of an export is a checked call. */
  *callsOf({ declaration, path, isForUsers }: Exported): Generator<{ name: string; doc: string }> {
    const { kind, name, doc } = declaration;
    const source = this.#files.get(path.replace("/dist/", "/src/").replace(/\.d\.ts$/, ".ts"));
    if (kind === "function") {
      const body = bodyOf(source, new RegExp(String.raw`^export (?:async )?function ${name}\b`));
      if (this.#throws(body)) yield { name, doc };
    }
    if (kind !== "class" && kind !== "interface") return;
    for (const member of declaration.members) {
      const isMethod = /^(?:static )?(?:#?\w+|\[[\w.]+\])\??[<(]/.test(member.head);
      if (!isMethod || this.#isInherited({ declaration, path }, member.name)) continue;
      const start = new RegExp(String.raw`^  (?:static )?(?:async )?${member.name}[<(]`);
      const isChecked =
        this.#throws(kind === "class" ? bodyOf(source, start, "  ") : "") ||
        (isForUsers && member.name !== "constructor" && TAKES_OPTIONS.test(member.head));
      if (isChecked) yield { name: `${name}.${member.name}`, doc: member.doc };
    }
  }

  #throws(body: string): boolean {
    return /\bthrow new \w*Error\(\s*"/.test(body) || this.#throwing.test(body);
  }

  #isInherited({ declaration, path }: Found, member: string): boolean {
    const [, bases = ""] = /\bimplements ([^{]*)/.exec(declaration.head) ?? [];
    return [...bases.matchAll(/\b[A-Z]\w*/g)].some(([base]) =>
      this.#find(path, base)?.declaration.members.some(({ name }) => name === member),
    );
  }

  #find(path: string, name: string): Found | undefined {
    const file = this.#file(path);
    const declaration = file.declarations.get(name);
    if (declaration !== undefined) return { declaration, path };
    const from = file.from.get(name);
    const target = from && this.#resolve(path, from.target);
    return from && target ? this.#find(target, from.name) : undefined;
  }

  #resolve(path: string, target: string): string | undefined {
    if (target.startsWith("."))
      return normalize(join(dirname(path), target)).replace(/\.ts$/, ".d.ts");
    const [, name = "", entry = "index"] = /^@ringrift\/([\w-]+)(?:\/(\w+))?$/.exec(target) ?? [];
    return name === "" ? undefined : `${name}/dist/${entry}.d.ts`;
  }

  #file(path: string): DeclarationFile {
    let file = this.#read.get(path);
    if (file === undefined) {
      const text = this.#files.get(path);
      if (text === undefined) throw new Error(`"${path}" isn't there. Build the packages first.`);
      file = readDeclarations(text);
      this.#read.set(path, file);
    }
    return file;
  }
}

/** The types that one extends, or is put together of: `A`, `B` and `C` in `Omit<A, "key"> & B<string> & Partial<C>`. */
function basesOf({ head, name, kind }: Declaration): string[] {
  let own = head.slice(head.indexOf(name) + name.length).replaceAll("=>", "");
  // The innermost brackets first: the parameters of the declaration and of its bases say nothing of members.
  for (let before = ""; before !== own;) {
    before = own;
    own = own.replaceAll(/\b(?:Omit|Partial|Pick|Readonly|Required)<(\w+)[^<>]*>|<[^<>]*>/g, "$1");
  }
  const [, bases = ""] = (kind === "type" ? /=([^]*)/ : /\bextends ([^]*)/).exec(own) ?? [];
  return [...bases.matchAll(/\b[A-Z]\w*/g)].map(([base]) => base);
}

/** The lines of a function or method, from the one that matches to its closing brace. */
function bodyOf(source: string | undefined, start: RegExp, indent = ""): string {
  const lines = source?.split("\n") ?? [];
  const bodies = lines.flatMap((line, first) => {
    if (!start.test(line)) return [];
    const length = lines.slice(first).findIndex((each) => each === `${indent}}`);
    return lines.slice(first, first + length + 1).map((each) => each.replace(/^\s*\/?\*.*/, ""));
  });
  return bodies.join("\n");
}
