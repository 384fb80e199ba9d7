/** A bridge in a process of its own: `bridge-program.ts <settings>`. Says when it is ready; ends well on SIGTERM. */
import { createQueueBridge } from "@ringrift/coordinator";
import { openAt } from "./open-at.ts";

export interface BridgeSettings {
  readonly name: string;
  /** Where the queues are. */
  readonly from: string;
  readonly to: string;
  readonly both?: boolean;
  readonly leaseMs?: number;
  readonly concurrency?: number;
  /** Whether it lets its process end. */
  readonly unref?: boolean;
}

const { from, to, unref, ...options } = JSON.parse(process.argv[2] ?? "") as BridgeSettings;
const queues = [openAt(from), openAt(to)] as const;
const bridge = createQueueBridge({ ...options, from: queues[0], to: queues[1] });
process.once("SIGTERM", () => {
  void bridge
    .close()
    .then(() => Promise.all(queues.map((queue) => queue.close())))
    .then(letGo);
});
await bridge.start();
process.send?.("ready");
if (unref === true) {
  bridge.unref();
  letGo();
}

/** The channel to the parent would keep it alive. */
function letGo(): void {
  if (process.connected) process.disconnect();
}
