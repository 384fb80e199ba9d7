import esbuildPlugin from "@size-limit/esbuild";
import filePlugin from "@size-limit/file";
import type { BuildOptions } from "esbuild";
import sizeLimit from "size-limit";

/** Bytes of a bundle, minified and gzipped, as size-limit counts them. */
export async function bundledSize(
  entry: string,
  configure: (config: BuildOptions) => BuildOptions,
): Promise<number> {
  const plugins = [...esbuildPlugin, ...filePlugin];
  const checks = [{ files: [entry], gzip: true, modifyEsbuildConfig: configure }];
  const [check] = (await sizeLimit(plugins, { checks })) as { size?: number }[];
  if (check?.size === undefined) throw new Error(`size-limit found no size for "${entry}".`);
  return check.size;
}
