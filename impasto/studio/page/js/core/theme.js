// Dark or light: as the system has it, until somebody chooses.

const KEY = "impasto.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Return the look that is shown now: "dark" or "light". */
export const current = () => document.documentElement.dataset.theme;

function apply() {
  const chosen = localStorage.getItem(KEY);
  document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
}

/** Take up what was chosen before, and follow the system otherwise. */
export function start() {
  apply();
  system.addEventListener("change", apply);
}

/** Change to the other look; the system's own is not stored, so that it is followed again. */
export function toggle() {
  const next = current() === "dark" ? "light" : "dark";
  if (next === (system.matches ? "dark" : "light")) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
  apply();
  return next;
}
