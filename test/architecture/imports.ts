/** One import of a source file. */
export interface Import {
  /** The module it names: `./engine.ts`, `#platform`, `@ringrift/envelope`, … */
  readonly target: string;
  /** It imports types only: nothing of it is left in JavaScript, but one type still depends on another. */
  readonly isTypeOnly: boolean;
}

/** `import … from "x";`, `export … from "x";`, `import "x";` and `import("x")`, as the formatter writes them. */
const IMPORT =
  /^(?:import|export)\s[^;]*?\sfrom\s+"([^"]+)";|^import\s+"([^"]+)";|\bimport\(\s*"([^"]+)"/gm;

/** The imports of a source text, type-only ones included. */
export function importsOf(text: string): Import[] {
  return Array.from(text.matchAll(IMPORT), ([statement, from, bare, dynamic]) => ({
    target: from ?? bare ?? dynamic ?? "",
    isTypeOnly: isTypeOnly(statement),
  }));
}

function isTypeOnly(statement: string): boolean {
  if (/^(?:import|export)\s+type\s/.test(statement)) return true;
  const names = /^(?:import|export)\s*\{([^}]*)\}/.exec(statement)?.[1]?.split(",") ?? [];
  const given = names.map((name) => name.trim()).filter((name) => name !== "");
  return given.length > 0 && given.every((name) => name.startsWith("type "));
}
