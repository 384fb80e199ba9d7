/** Scheme, user and host of an address. A password may hold an "@" as well, and a query anything. */
const ADDRESS = /^([a-z][a-z0-9+.-]*:\/\/)?(?:.*@)?([^/?#]*)/is;

/** Scheme, host and port of an address, as it may be shown. */
export function withoutSecret(server: unknown): string {
  const [, scheme = "", host = ""] = ADDRESS.exec(String(server)) ?? [];
  return `${scheme}${host}`;
}

/** Host and port of an address: what tells servers apart. */
export function hostOf(server: string): string {
  const [, , host = ""] = ADDRESS.exec(server.trim()) ?? [];
  return host;
}

/** @throws TypeError `ERR_INVALID_URL`, as the client does when it comes to this server */
export function requireAddress(server: string): void {
  const host = hostOf(server);
  // An IPv6 address without brackets is left to the client, which knows these.
  if (!host.startsWith("[") && host.split(":").length > 2) return;
  void new URL(`http://${host}`);
}
