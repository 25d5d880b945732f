// A value that others watch.

/** Hold a value; `watch` calls at each change, until the given AbortSignal ends it. */
export function store(first) {
  let value = first;
  const watchers = new Set();
  return {
    get value() {
      return value;
    },
    set(next) {
      value = next;
      for (const watcher of [...watchers]) watcher(value);
    },
    change(parts) {
      this.set({ ...value, ...parts });
    },
    watch(watcher, signal) {
      watchers.add(watcher);
      signal?.addEventListener("abort", () => watchers.delete(watcher));
      return () => watchers.delete(watcher);
    },
  };
}
