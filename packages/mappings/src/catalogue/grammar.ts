/** What a name may look like on each bus. */

const TOPIC = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,31}$/;
const SNAKE = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const UPPER_SNAKE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/;
const MAX_NAME = 256;

/** 1–32 segments of letters, digits, `_` and `-`, separated by dots; at most 256 characters. */
export function isTopic(name: string): boolean {
  return name.length <= MAX_NAME && TOPIC.test(name);
}

/** `snake_case`: stage and data-tier names. */
export function isSnakeName(name: string): boolean {
  return name.length <= MAX_NAME && SNAKE.test(name);
}

/** `UPPERCASE_SNAKE`: names on the queue. */
export function isUpperSnakeName(name: string): boolean {
  return name.length <= MAX_NAME && UPPER_SNAKE.test(name);
}
