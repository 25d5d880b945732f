// The brush: tools, colours, undo, and the keys for them, around a canvas.

import { fill, h, uid } from "../core/dom.js";
import { choose, dropzone } from "../core/files.js";
import { icon } from "../core/icons.js";
import { complain, say } from "../core/notices.js";
import { BrushCanvas } from "./canvas.js";
import { bindBrush } from "./keys.js";
import { History } from "./history.js";
import { fromFile, toBlob } from "./mapfile.js";

/**
 * Make an editor of a map over a picture, or on paper without one.
 * `changed(map)` is called when a stroke has ended. `feather()` is the edge's share of the long side.
 */
export function editor(
  map,
  { picture = null, signal, changed, feather = () => 0, title = "Map", bindsKeys = true },
) {
  let history = new History(map);
  let tool = "brush";
  let label = 1;
  let last = null;
  const draw = { down, move, up, cancel };
  const board = new BrushCanvas(map, picture, draw, signal);
  board.radius = Math.round(Math.max(map.width, map.height) / 24);

  const tools = new Map(
    [
      ["brush", "Brush"],
      ["eraser", "Eraser"],
      ["fill", "Fill"],
      ["hand", "Move the picture"],
    ].map(([name, text]) => [
      name,
      h(
        "button.tool",
        { type: "button", "aria-label": text, title: text, onclick: () => take(name) },
        icon(name),
      ),
    ]),
  );
  const colours = h("div.inks", { role: "group", "aria-label": "Colour" });
  const size = h("input", {
    type: "range",
    min: 1,
    max: 100,
    id: uid("brush-size"),
    oninput: () => resize(2 ** (size.value / 14.5)),
  });
  const undo = button("undo", "Undo", () => step("undo"));
  const redo = button("redo", "Redo", () => step("redo"));
  const soft = h("input.switch", {
    type: "checkbox",
    role: "switch",
    checked: true,
    onchange: () => settle(),
  });

  const node = h(
    "section.editor",
    { "aria-label": title },
    h(
      "div.toolbar",
      { role: "toolbar", "aria-label": "Brush" },
      [...tools.values()],
      undo,
      redo,
      button("clear", "Clear the map", clear),
      colours,
      h("label.brush-size", { for: size.id }, "Size", size),
      button("zoom", "Zoom in", () => zoom(1.4)),
      button("fit", "Show all", fit),
      button("upload", "Open a map", open),
      button("download", "Save the map", save),
    ),
    h("div.canvas-frame", {}, board.canvas),
  );
  dropzone(node, ([file]) => load(file));

  function button(name, text, run) {
    return h(
      "button.tool",
      { type: "button", "aria-label": text, title: text, onclick: run },
      icon(name),
    );
  }

  function take(name) {
    tool = name;
    board.isPanning = name === "hand";
    board.canvas.dataset.tool = name;
    for (const [key, one] of tools) one.setAttribute("aria-pressed", String(key === name));
  }

  function ink(next) {
    label = next;
    if (tool !== "fill") take("brush");
    for (const one of colours.children) {
      one.setAttribute("aria-pressed", String(Number(one.dataset.label) === label));
    }
  }

  function showInks() {
    fill(
      colours,
      map.palette.map((colour, n) =>
        n === 0 && picture
          ? null
          : h("button.ink", {
              type: "button",
              dataset: { label: n },
              title: colour,
              "aria-label": `Colour ${n}: ${colour}`,
              style: { "--swatch": colour },
              onclick: () => ink(n),
            }),
      ),
    );
    ink(Math.min(label, map.palette.length - 1));
  }

  function resize(radius) {
    board.radius = Math.min(Math.max(radius, 1), Math.max(map.width, map.height) / 4);
    size.value = Math.log2(board.radius) * 14.5;
    size.style.setProperty("--at", `${size.value}%`);
    size.setAttribute("aria-valuetext", `${Math.round(2 * board.radius)} pixels`);
    board.paint();
  }

  const inked = () => (tool === "eraser" ? 0 : label);

  function down(at) {
    history.keep();
    board.feather = 0;
    if (tool === "fill") {
      const box = map.flood(at, label);
      if (box) board.redraw(box);
      else history.drop();
      last = null;
      return;
    }
    last = at;
    board.redraw(map.line(at, at, board.radius, inked()));
  }

  function move(at) {
    if (!last) return;
    board.redraw(map.line(last, at, board.radius, inked()));
    last = at;
  }

  function up() {
    last = null;
    settle();
    changed(map);
  }

  function cancel() {
    last = null;
    history.undo();
    history.future = [];
    whole();
  }

  function settle() {
    board.feather = picture && soft.checked ? feather() : 0;
    undo.disabled = !history.past.length;
    redo.disabled = !history.future.length;
    board.paint();
  }

  function whole() {
    board.redraw(map.box(0, 0, map.width, map.height));
    settle();
  }

  function step(way) {
    if (!history[way]()) return;
    whole();
    changed(map);
    say(way === "undo" ? "Undone" : "Redone");
  }

  function clear() {
    history.keep();
    map.clear();
    whole();
    changed(map);
  }

  function zoom(factor) {
    board.viewport.zoom(factor);
    board.paint();
  }

  function fit() {
    board.viewport.fit(8);
    board.paint();
  }

  async function load(file) {
    if (!file) return;
    try {
      const read = await fromFile(file, map);
      history.keep();
      map.palette = read.palette;
      map.labels.set(read.labels);
      map.version += 1;
      showInks();
      whole();
      changed(map);
    } catch (error) {
      complain(error);
    }
  }

  async function open() {
    load((await choose({ accept: "image/*" }))[0]);
  }

  async function save() {
    const url = URL.createObjectURL(await toBlob(map));
    h("a", { href: url, download: "map.png" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  function nudge(dx, dy, event) {
    if (document.activeElement !== board.canvas) return false;
    const far = Math.max(1, board.radius / 2) * (event.shiftKey ? 4 : 1);
    const from = board.cursor ?? { x: map.width / 2, y: map.height / 2 };
    const at = {
      x: Math.min(map.width, Math.max(0, from.x + dx * far)),
      y: Math.min(map.height, Math.max(0, from.y + dy * far)),
    };
    board.cursor = at;
    if (last) move(at);
    board.paint();
    return true;
  }

  function dab() {
    if (document.activeElement !== board.canvas) return hold();
    board.cursor ??= { x: map.width / 2, y: map.height / 2 };
    down(board.cursor);
    return true;
  }

  // Space away from the canvas's own focus moves the picture while it is held.
  function hold() {
    board.isPanning = true;
    board.canvas.dataset.tool = "hand";
    return true;
  }

  function letGo() {
    if (last) up();
    else if (board.isPanning && tool !== "hand") take(tool);
    else settle();
  }

  function keys(life) {
    const sized = (factor) => resize(board.radius * factor);
    const inked = (n) => n < map.palette.length && ink(n);
    bindBrush({ take, step, zoom, fit, dab, letGo, nudge, sized, inked }, life);
  }

  take("brush");
  showInks();
  resize(board.radius);
  settle();
  if (bindsKeys) keys(signal);
  return {
    node,
    map,
    board,
    settle,
    soft: h("label.inline", {}, soft, "Feather"),
    focus: () => board.canvas.focus(),
    takeKeys: keys,
  };
}
