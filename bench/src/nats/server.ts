import { servers } from "../queue/servers.ts";

/** The port of the suite's server. */
export function port(): number {
  const { jetstream } = servers();
  if ("missing" in jetstream) throw new Error(`The suite needs a server: ${jetstream.missing}.`);
  return jetstream.port;
}
