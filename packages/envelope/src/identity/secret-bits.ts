/**
 * The bits of an id that nobody outside of this process can compute: a message authentication code of the
 * event's stamp, with a key that is random once per process and worker thread. It is Chaskey-12 (ISO/IEC
 * 29192-6) for one block: it needs nothing but 32-bit additions, rotations and exclusive ors, so that it
 * costs no more than writing the id down. No state is kept for an event: the same stamp gives the same bits.
 */

const ROUNDS = 12;

let key: readonly [number, number, number, number] | undefined;

/** The high word of 64 secret bits; `lowBits` are those of the same call. */
export let highBits = 0;
/** See {@link highBits}. */
export let lowBits = 0;

/** Computes the secret bits of a stamp. They are in {@link highBits} and {@link lowBits} until the next call. */
export function mixStamp(millis: number, counter: number): void {
  const [k0, k1, k2, k3] = (key ??= newKey());
  // The second key of Chaskey for a whole block: the first one, doubled in its field.
  const carry = k3 >>> 31 === 1 ? 0x87 : 0;
  const d0 = (k0 << 1) ^ carry;
  const d1 = (k1 << 1) | (k0 >>> 31);
  const d2 = (k2 << 1) | (k1 >>> 31);
  const d3 = (k3 << 1) | (k2 >>> 31);
  let v0 = k0 ^ d0 ^ (millis % 0x1_0000_0000);
  let v1 = k1 ^ d1 ^ Math.floor(millis / 0x1_0000_0000);
  let v2 = k2 ^ d2 ^ counter;
  let v3 = k3 ^ d3;
  for (let round = 0; round < ROUNDS; round += 1) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  highBits = (v0 ^ d0) >>> 0;
  lowBits = (v1 ^ d1) >>> 0;
}

function newKey(): readonly [number, number, number, number] {
  const [k0 = 0, k1 = 0, k2 = 0, k3 = 0] = globalThis.crypto.getRandomValues(new Int32Array(4));
  return [k0, k1, k2, k3];
}
