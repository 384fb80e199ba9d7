import type { AnyContracts } from "@ringrift/envelope";
import type { EventBus } from "../src/index.ts";
interface T { "a.b": { x: number }; "c.d": string }
type B = EventBus<T>; type A = EventBus<AnyContracts>;
declare const b: B;
export const r1: Pick<A, "subscribe"> = b;
export const r2: Pick<A, "once"> = b;
export const r3: Pick<A, "subscriber"> = b;
export const r4: Pick<A, "publish"> = b;
export const r5: Pick<A, "publishSync"> = b;
export const r6: Pick<A, "waitFor"> = b;
export const r7: Pick<A, "stream"> = b;
export const r8: Pick<A, "getHistory"> = b;
export const r9: Pick<A, "replay"> = b;
export const r10: Pick<A, "remember"> = b;
export const r11: Pick<A, "hasSubscribers"> = b;
