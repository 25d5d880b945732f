// Keys: bound by views, listed by the help.

const bound = new Set();
let sequence = "";
let sequenceEnds = 0;

/**
 * Bind a key until the signal ends it: "Ctrl+Enter", "?", "g p" (one after the other), "[".
 * Those of letters do nothing while text is typed. `up` is called when the key is let go.
 */
export function bind(key, label, run, { signal, group = "Everywhere", up = null, also = [] } = {}) {
  const row = { key, label, run, group, up, keys: new Set([key, ...also]) };
  bound.add(row);
  signal?.addEventListener("abort", () => bound.delete(row));
}

/** Return what is bound now: rows with key, label and group. */
export const list = () => [...bound].filter((row) => row.label);

function spelled(event) {
  const name = event.key === " " ? "Space" : event.key;
  const letter = name.length === 1 ? name.toLowerCase() : name;
  const control = event.ctrlKey || event.metaKey;
  const shift = event.shiftKey && (control || letter !== name || name.length > 1);
  return `${control ? "Ctrl+" : ""}${shift ? "Shift+" : ""}${letter}`;
}

const TYPED =
  "input:not([type=range],[type=checkbox],[type=radio],[type=button]), textarea, select";

// Keys that a focused control uses itself.
const OWN = {
  Space: "button, a, input, select, summary, [role=button]",
  Enter: "button, a, input, select, summary",
  ArrowLeft: "input, select, [role=radiogroup] *",
  ArrowRight: "input, select, [role=radiogroup] *",
  ArrowUp: "input, select, [role=radiogroup] *",
  ArrowDown: "input, select, [role=radiogroup] *",
};

function isTaken(event, key) {
  const target = event.target;
  if (!(target instanceof Element)) return false;
  if (OWN[key] && target.matches(OWN[key])) return true;
  return target.matches(TYPED) && !key.startsWith("Ctrl+Enter") && key !== "Escape";
}

function find(key) {
  // The latest first: a view's own meaning of a key wins over the whole page's.
  return [...bound].reverse().find((row) => row.keys.has(key));
}

function press(event) {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return; // which has its own keys
  const key = spelled(event);
  if (isTaken(event, key)) return;
  const both = sequence && Date.now() < sequenceEnds ? `${sequence} ${key}` : "";
  sequence = key;
  sequenceEnds = Date.now() + 1200;
  const row = (both && find(both)) || find(key);
  if (!row) return;
  sequence = "";
  if (event.repeat && row.up) return event.preventDefault();
  if (row.run(event) !== false) event.preventDefault();
}

function release(event) {
  const key = spelled(event);
  for (const row of bound) if (row.up && row.keys.has(key)) row.up(event);
}

/** Begin to listen. */
export function start() {
  document.addEventListener("keydown", press);
  document.addEventListener("keyup", release);
}
