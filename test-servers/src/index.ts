export { type Host, Hosts, hostsLacking } from "./hosts.ts";
export { freePort, NatsServer, OLDER_SERVER, SERVER } from "./nats-server.ts";
export { Proxy } from "./proxy.ts";
export { SlowProxy } from "./slow-proxy.ts";
