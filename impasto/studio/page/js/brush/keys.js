// The brush by keys alone.

import { bind } from "../core/keys.js";

const ARROWS = [
  ["Left", -1, 0],
  ["Right", 1, 0],
  ["Up", 0, -1],
  ["Down", 0, 1],
];

/** Bind the keys of an editor's actions until the signal ends it. */
export function bindBrush({ take, step, zoom, fit, dab, letGo, nudge, sized, inked }, signal) {
  const on = (key, text, run, more = {}) => bind(key, text, run, { signal, group: "Brush", ...more });
  on("[", "Smaller brush", () => sized(0.8));
  on("]", "Larger brush", () => sized(1.25));
  on("b", "Brush", () => take("brush"));
  on("e", "Eraser", () => take("eraser"));
  on("f", "Fill", () => take("fill"));
  on("Ctrl+z", "Undo", () => step("undo"));
  on("Ctrl+Shift+z", "Redo", () => step("redo"), { also: ["Ctrl+y"] });
  on("+", "Zoom in", () => zoom(1.25), { also: ["="] });
  on("-", "Zoom out", () => zoom(0.8));
  on("0", "Show all", fit);
  on("Space", "Paint where the brush is; elsewhere, hold to move the picture", dab, { up: letGo });
  for (const [key, x, y] of ARROWS) {
    const text = key === "Left" ? "Move the brush (all arrows)" : "";
    on(`Arrow${key}`, text, (event) => nudge(x, y, event), { also: [`Shift+Arrow${key}`] });
  }
  for (let n = 1; n < 10; n += 1) on(String(n), n === 1 ? "Colour 1 (to 9)" : "", () => inked(n));
}
