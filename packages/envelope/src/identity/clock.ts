/** Stamps of a burst that read the clock themselves, before readings are shared. */
const EXACT = 8;
/** Stamps that may share one reading of the clock. */
const SHARED = 32;
/** Stamps of one millisecond: 20 bits of an id. Beyond them the clock runs ahead. */
const COUNTER_LIMIT = 0xf_ffff;

const turnEnded = Promise.resolve();

/**
 * The clock that stamps events. Its time never decreases, and `(time, counter)` is different for
 * each stamp, and greater than all before.
 *
 * Reading the system's clock costs more than all the rest of a synchronous publish, so a burst shares
 * readings: `tickQuickly` reads it for each of the first 8 stamps, then once for every 32 of the same
 * synchronous run. A stamp is therefore exact to the millisecond outside of bursts, and in one it may
 * lag by the time that the 31 publishes before it took. Whatever follows an `await`, a timer or a
 * callback begins with a new reading.
 */
class EventClock {
  /**
   * Milliseconds since the epoch, of the last stamp. It begins as no number, so that V8 keeps a reference:
   * who copies it shares the number, and allocates none.
   */
  time: number = undefined as never;
  /** Number of the last stamp among those of the same millisecond, 0 to 1,048,575. */
  counter = 0;
  #reading = 0;
  #exact = EXACT;
  /** While the counter is below it, stamps share the last reading. */
  #sharedUntil = 0;
  #turnIsWatched = false;

  /** Takes the next stamp, with the time of now. */
  tick(): void {
    this.#advance(Date.now());
  }

  /** Takes the next stamp, in a burst with a recent reading. */
  tickQuickly(): void {
    if (this.counter < this.#sharedUntil) this.counter += 1;
    else this.#read();
  }

  #read(): void {
    const now = Date.now();
    // Slower than a stamp a millisecond is no burst.
    this.#exact = now - this.#reading > 1 ? EXACT : this.#exact - 1;
    this.#reading = now;
    this.#advance(now);
    if (this.#exact > 0) return;
    this.#sharedUntil = Math.min(this.counter + SHARED - 1, COUNTER_LIMIT);
    if (this.#turnIsWatched) return;
    this.#turnIsWatched = true;
    void turnEnded.then(() => {
      this.#turnIsWatched = false;
      this.#sharedUntil = 0;
      this.#exact = EXACT;
    });
  }

  #advance(now: number): void {
    if (!(now <= this.time)) {
      this.time = now;
      this.#restart();
    } else if (this.counter === COUNTER_LIMIT) {
      this.time += 1;
      this.#restart();
    } else {
      this.counter += 1;
    }
  }

  /** Begins the stamps of a millisecond. */
  #restart(): void {
    this.counter = 0;
    this.#sharedUntil = 0;
  }
}

/** The one clock of this copy of the package. */
export const eventClock: EventClock = new EventClock();
