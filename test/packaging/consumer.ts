import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** The parts of a package's manifest that decide what its users get. */
export interface Manifest {
  readonly name: string;
  readonly keywords?: readonly string[];
  readonly homepage?: string;
  readonly bugs?: { readonly url: string };
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** A packed and unpacked package. */
export interface Packed {
  /** Folder under `packages/`. */
  readonly name: string;
  readonly manifest: Manifest;
  readonly files: readonly string[];
}

/** What a program that has ended left behind. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Compiles the packages into their `dist` folders, as `pnpm build` does; what is current is left as it is. One call at a
 * time: of two test files, one would read what the other's compiler is writing.
 */
export async function buildPackages(root: string): Promise<void> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const projects = packageNames(root).map((name) => join("packages", name));
  const unlock = await lockBuild(join(root, "node_modules/.cache"));
  try {
    const { code, stdout, stderr } = await runNode([tsc, "-b", ...projects], root);
    if (code !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
  } finally {
    unlock();
  }
}

async function lockBuild(folder: string): Promise<() => void> {
  const lock = join(folder, "build.lock");
  mkdirSync(folder, { recursive: true });
  // A process that was killed has left its lock: no build takes as long as this waits.
  for (let left = 600; left > 0; left -= 1) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      await sleep(100);
    }
  }
  return () => rmSync(lock, { recursive: true, force: true });
}

/**
 * Packs every package, and unpacks the tarballs into a folder's `node_modules`, as an installation
 * would, without a registry. Of other libraries only those are linked that a manifest declares. Puts the
 * programs of `fixtures/consumer` next to them.
 */
export async function installPackages(root: string, folder: string): Promise<Packed[]> {
  const modules = join(folder, "node_modules");
  await pack(root, folder);
  const packages: Packed[] = [];
  for (const name of packageNames(root)) {
    const home = join(modules, "@ringrift", name);
    mkdirSync(home, { recursive: true });
    const tarball = readdirSync(folder).find((file) => file.startsWith(`ringrift-${name}-`));
    await run(
      "tar",
      ["-xzf", join(folder, tarball ?? ""), "-C", home, "--strip-components=1"],
      folder,
    );
    const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as Manifest;
    for (const library of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (library.startsWith("@ringrift/")) continue;
      const target = join(root, "packages", name, "node_modules", library);
      mkdirSync(dirname(join(modules, library)), { recursive: true });
      symlinkSync(target, join(modules, library), "junction");
    }
    const files = readdirSync(home, { recursive: true, encoding: "utf8" });
    packages.push({ name, manifest, files: files.map((file) => file.replaceAll("\\", "/")) });
  }
  cpSync(join(root, "test/packaging/fixtures/consumer"), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  return packages;
}

/** Runs this Node on a program and waits for its end; neither conditions nor options are inherited. */
export function runNode(args: readonly string[], cwd: string): Promise<Ended> {
  return execute(process.execPath, args, cwd);
}

async function pack(root: string, destination: string): Promise<void> {
  const args = ["--recursive", "--filter=./packages/*", "pack", "--pack-destination", destination];
  const { code, stdout } = await execute("pnpm", ["--version"], root);
  // Without pnpm on the path, as in an editor, npm's copy of it does.
  if (code === 0 && stdout.startsWith("12.")) await run("pnpm", args, root);
  else await run("npx", ["-y", "pnpm@12", ...args], root);
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await execute(command, args, cwd);
  if (code !== 0) throw new Error(`"${command} ${args.join(" ")}" failed:\n${stdout}${stderr}`);
}

function execute(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  // pnpm has programs find what is installed in the workspace.
  const { NODE_OPTIONS: _options, NODE_PATH: _path, ...env } = process.env;
  const { promise, resolve } = Promise.withResolvers<Ended>();
  execFile(command, args, { cwd, env, timeout: 100_000 }, (error, stdout, stderr) => {
    const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
    resolve({ code, stdout, stderr });
  });
  return promise;
}

function packageNames(root: string): string[] {
  return readdirSync(join(root, "packages"));
}
