/** Says what `console.log` shows of the objects of a prototype in Node.js. */
export function inspectAs<T extends object>(prototype: T, show: (self: T) => unknown): void {
  Object.defineProperty(prototype, Symbol.for("nodejs.util.inspect.custom"), {
    value(this: T) {
      return show(this);
    },
  });
}
