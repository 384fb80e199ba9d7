export { type Host, Hosts, hostsLacking } from "./hosts.ts";
export { freePort, NatsServer, SERVER, SERVER_VERSION } from "./nats-server.ts";
export { Proxy } from "./proxy.ts";
