/** Events of this key always fail. */
export const HOT_KEY = "hot";
