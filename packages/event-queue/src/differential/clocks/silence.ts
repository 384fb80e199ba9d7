/** Groups that skip events report it, and so do those that give one up: here that is no news. Gives back what ends the silence. */
export function silenceReports(): () => void {
  // oxlint-disable-next-line typescript/unbound-method -- it is put back, and called on process
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    const [options] = rest;
    const isReport =
      typeof options === "object" &&
      options !== null &&
      "code" in options &&
      (options.code === "RINGRIFT_QUEUE_ERROR" || options.code === "RINGRIFT_DEAD_LETTER");
    if (!isReport) Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  return () => {
    process.emitWarning = emitWarning;
  };
}
