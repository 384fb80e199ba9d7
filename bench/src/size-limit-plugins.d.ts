/** size-limit's plugins have no declarations; nothing but size-limit looks into them. */
declare module "@size-limit/esbuild" {
  const plugin: ((...args: unknown[]) => unknown)[];
  export default plugin;
}

declare module "@size-limit/file" {
  const plugin: ((...args: unknown[]) => unknown)[];
  export default plugin;
}
