// Undo and redo of a map: whole states, packed as runs of equal labels.

const MOST = 50;

/** The states of a map, up to 50 back. */
export class History {
  constructor(map) {
    this.map = map;
    this.past = [];
    this.future = [];
  }

  /** Remember the map as it is, before it is changed. */
  keep() {
    this.past.push(packed(this.map.labels));
    if (this.past.length > MOST) this.past.shift();
    this.future = [];
  }

  /** Forget the state that was remembered last, as nothing was changed. */
  drop() {
    this.past.pop();
  }

  undo() {
    return this.#move(this.past, this.future);
  }

  redo() {
    return this.#move(this.future, this.past);
  }

  #move(from, to) {
    const state = from.pop();
    if (!state) return false;
    to.push(packed(this.map.labels));
    unpack(state, this.map.labels);
    this.map.version += 1;
    return true;
  }
}

/** Return [length, label, length, label, …]. */
export function packed(labels) {
  const runs = [];
  for (let start = 0; start < labels.length;) {
    let end = start + 1;
    while (end < labels.length && labels[end] === labels[start]) end += 1;
    runs.push(end - start, labels[start]);
    start = end;
  }
  return Uint32Array.from(runs);
}

/** Write packed labels into an array. */
export function unpack(runs, labels) {
  let at = 0;
  for (let n = 0; n < runs.length; n += 2) {
    labels.fill(runs[n + 1], at, at + runs[n]);
    at += runs[n];
  }
}
