/**
 * What stands between an instance and its backend, for simulations and fault tests. Without one, calls and rings go
 * straight through.
 */
export interface Interception {
  /**
   * Around each call that reaches the backend, those of leases included. It decides when the call is made, when its
   * answer arrives, and whether either ever happens.
   */
  call<T>(run: () => Promise<T>): Promise<T>;
  /** Around each ring of the backend's: when those who wait are woken. */
  ring(deliver: () => void): void;
}
