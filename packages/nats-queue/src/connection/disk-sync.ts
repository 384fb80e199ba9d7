/**
 * How the server syncs to its disk, by its monitoring endpoint: `always`, an interval, or `unknown` where it
 * can't be seen. The JetStream API doesn't tell.
 */
export async function diskSync(monitoring: string | undefined): Promise<string> {
  if (monitoring === undefined) return "unknown";
  try {
    const response = await fetch(new URL("/varz", monitoring), {
      signal: AbortSignal.timeout(2_000),
    });
    const { jetstream } = (await response.json()) as Varz;
    if (jetstream?.config?.sync_always === true) return "always";
    const nanos = jetstream?.config?.sync_interval;
    return nanos === undefined ? "unknown" : `every ${nanos / 1e9} s`;
  } catch {
    return "unknown";
  }
}

interface Varz {
  readonly jetstream?: {
    readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number };
  };
}
