/**
 * Waits a moment before asking again for a lock that somebody else holds: two turns of the event loop, then
 * 1 to 5 ms at random, so that processes which collided don't collide again. Never blocks and never spins.
 */
export function pauseAfter(tries: number): Promise<void> {
  return new Promise((resolve) => {
    if (tries <= 2) setImmediate(resolve);
    else setTimeout(resolve, 1 + Math.random() * 4);
  });
}
