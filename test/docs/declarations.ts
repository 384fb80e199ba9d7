/** One declaration of a `.d.ts`, or one member of an interface or class, with its overloads. */
export interface Declaration {
  readonly kind: "interface" | "class" | "type" | "function" | "const" | "member";
  readonly name: string;
  /** The doc comments before it (an overload may have its own), without their stars. */
  readonly doc: string;
  /** The declaration's text up to its members. */
  readonly head: string;
  readonly isOptional: boolean;
  readonly members: readonly Declaration[];
}

/** What a `.d.ts` says. */
export interface DeclarationFile {
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Names that it takes from other files, for itself or to pass them on. */
  readonly from: ReadonlyMap<string, { readonly target: string; readonly name: string }>;
  /** Names that it exports. */
  readonly exported: ReadonlySet<string>;
}

const DECLARATION =
  /^(?:export )?(?:declare )?(?:abstract )?(interface|class|type|function|const|let) (\w+)/;
const MEMBER =
  /^(?:(?:readonly|static|abstract|protected|private|get|set) )*(#?\w+|\[[\w.]+\]|\(|new \()(\?)?/;
const NAMES = /^(?:import|export) (?:type )?\{([^}]*)\} from "([^"]+)";/gm;

/**
 * Reads a `.d.ts` as the compiler writes it: declarations begin in the first column, their members after
 * four spaces. TypeScript 7 has no compiler API to ask.
 */
export function readDeclarations(text: string): DeclarationFile {
  const from = new Map<string, { target: string; name: string }>();
  const exported = new Set<string>();
  for (const [statement, names = "", target = ""] of text.matchAll(NAMES)) {
    for (const each of names.split(",").filter((name) => name.trim() !== "")) {
      const [name = "", as = name] = each
        .trim()
        .replace(/^type /, "")
        .split(" as ");
      from.set(as, { target, name });
      if (statement.startsWith("export")) exported.add(as);
    }
  }
  const declarations = new Map<string, Declaration>();
  for (const { doc, lines } of blocks(text.split("\n"))) {
    const [, kind = "", name = ""] = DECLARATION.exec(lines[0] ?? "") ?? [];
    if (kind === "") continue;
    if (lines[0]?.startsWith("export ")) exported.add(name);
    const declaration: Declaration = {
      kind: kind === "let" ? "const" : (kind as Declaration["kind"]),
      name,
      doc,
      head: headOf(lines),
      isOptional: false,
      members: kind === "function" ? [] : membersOf(lines),
    };
    const earlier = declarations.get(name);
    declarations.set(name, earlier === undefined ? declaration : overloaded(earlier, declaration));
  }
  return { declarations, from, exported };
}

function membersOf(lines: readonly string[]): Declaration[] {
  const inner = lines
    .slice(1)
    .filter((line) => line.startsWith("    "))
    .map((line) => line.slice(4));
  const members = new Map<string, Declaration>();
  for (const { doc, lines: own } of blocks(inner)) {
    const found = MEMBER.exec(own[0] ?? "");
    const [, name = "", optional] = found ?? [];
    if (found === null || name.startsWith("#")) continue;
    const member: Declaration = {
      kind: "member",
      name,
      doc,
      head: own.join("\n"),
      isOptional: optional === "?",
      members: [],
    };
    const earlier = members.get(name);
    members.set(name, earlier === undefined ? member : overloaded(earlier, member));
  }
  return [...members.values()];
}

function overloaded(earlier: Declaration, later: Declaration): Declaration {
  return {
    ...earlier,
    doc: [earlier.doc, later.doc].filter((doc) => doc !== "").join("\n"),
    head: `${earlier.head}\n${later.head}`,
    members: [...earlier.members, ...later.members],
  };
}

function headOf(lines: readonly string[]): string {
  const end = lines.findIndex((line) => line.endsWith("{"));
  return lines.slice(0, end === -1 ? lines.length : end + 1).join("\n");
}

/** Cuts lines into statements, each with the doc comment directly before it. */
function* blocks(lines: readonly string[]): Generator<{ doc: string; lines: string[] }> {
  let doc: string[] = [];
  let own: string[] = [];
  let isInDoc = false;
  for (const line of lines) {
    if (isInDoc || line.startsWith("/**")) {
      if (!isInDoc && own.length > 0) {
        yield { doc: plain(doc), lines: own };
        own = [];
      }
      if (!isInDoc) doc = [];
      doc.push(line);
      isInDoc = !line.includes("*/");
    } else if (/^[\s}]/.test(line) && own.length > 0) own.push(line);
    else if (line !== "" && !line.startsWith("//")) {
      if (own.length > 0) {
        yield { doc: plain(doc), lines: own };
        doc = [];
      }
      own = [line];
    }
  }
  if (own.length > 0) yield { doc: plain(doc), lines: own };
}

function plain(doc: readonly string[]): string {
  return doc
    .map((line) =>
      line
        .replace(/^\s*\/?\*+\/?/, "")
        .replace(/\*\/\s*$/, "")
        .trim(),
    )
    .filter((line) => line !== "")
    .join("\n");
}
