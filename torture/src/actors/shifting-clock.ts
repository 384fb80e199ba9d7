/** Preloaded into a process: each SIGUSR2 steps its wall clock, by an hour or two, forwards or back. */
const now = Date.now.bind(Date);
const steps = [2, -2, 0, -1, 1, 0];
let offsetMs = 0;
Date.now = () => now() + offsetMs;
process.on("SIGUSR2", () => {
  const hours = steps.shift() ?? 0;
  steps.push(hours);
  offsetMs = hours * 3_600_000;
});
