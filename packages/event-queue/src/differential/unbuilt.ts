/**
 * A `dedupeKey` counts only within its event type. As long as no queue does it so, scripts give no key to two types;
 * turn it on together with the queues.
 */
export const DEDUPE_KEYS_ARE_PER_TYPE: boolean = false;

/**
 * An id that is stored with another type or payload is refused (`ID_TAKEN`). As long as no queue refuses it, scripts
 * don't bring such events; turn it on together with the queues.
 */
export const TAKEN_IDS_ARE_REFUSED: boolean = false;
