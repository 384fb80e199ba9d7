/** Most transactions are over before so many turns are. */
const TURNS = 30;

/**
 * Waits a moment before asking again for a lock that somebody else holds: some turns of the event loop, then
 * 1 to 5 ms at random, so that processes which collided don't collide again. Never blocks.
 */
export function pauseAfter(tries: number): Promise<void> {
  return new Promise((resolve) => {
    if (tries <= TURNS) setImmediate(resolve);
    else setTimeout(resolve, 1 + Math.random() * 4);
  });
}
