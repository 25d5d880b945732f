// The view "Gallery": all that was painted, the newest first; one picture if the address names it.

import { debounced, fill, h } from "../core/dom.js";
import { counted } from "../core/format.js";
import { bind } from "../core/keys.js";
import { get } from "../core/api.js";
import { schema } from "../core/schema.js";
import { detail } from "./detail.js";
import { grid } from "./grid.js";
import { found, more, remembered, renew, search } from "./list.js";

const GROUP = "Gallery";

/** Show the wall, or one picture. */
export function view({ root, rest, signal }) {
  if (rest[0]) return detail({ root, id: rest[0], signal });
  const wall = grid(more, signal);
  const status = h("p.quiet", { role: "status" });
  const bar = searchBar();
  root.append(
    h(
      "div.column.wide.gallery-view",
      {},
      h("div.gallery-top", {}, h("h1", { tabindex: -1 }, "Gallery"), status),
      bar.node,
      wall.node,
    ),
  );

  function render() {
    const { items, total, error, isDone } = found.value;
    wall.show(items);
    const isSearching = Object.values(search).some(Boolean);
    if (error) fill(status, error.message);
    else if (total === null) fill(status, "");
    else if (items.length || !isDone) fill(status, counted(total, "picture"));
    else if (isSearching) fill(status, "No picture is like that.");
    else
      fill(status, "Nothing is painted yet. ", h("a", { href: "#/paint" }, "Paint the first"), ".");
  }

  found.watch(render, signal);
  const last = remembered;
  window.addEventListener(
    "scroll",
    () => {
      if (location.hash.replace(/^#\/?/, "") === "gallery") last.top = window.scrollY;
    },
    { passive: true, signal },
  );
  const top = last.top;
  render();
  if (found.value.total === null) more();
  requestAnimationFrame(() => {
    window.scrollTo(0, top);
    if (last.id) wall.focus(last.id);
    last.id = null;
  });

  bind("/", "Search", () => bar.focus(), { signal, group: GROUP });
  bind("ArrowRight", "Next picture", () => wall.step(1), { signal, group: GROUP });
  bind("ArrowLeft", "Picture before", () => wall.step(-1), { signal, group: GROUP });
  bind("ArrowDown", "Row below", () => wall.step(0, 1), { signal, group: GROUP });
  bind("ArrowUp", "Row above", () => wall.step(0, -1), { signal, group: GROUP });
}

function searchBar() {
  const again = debounced(() => renew(), 250);
  const put = (name) => (event) => {
    search[name] = event.target.value;
    again();
  };
  const words = h("input.words", {
    type: "search",
    placeholder: "Search",
    value: search.q,
    "aria-label": "Search the gallery",
    oninput: put("q"),
  });
  const style = h(
    "select",
    { "aria-label": "Style", onchange: put("style") },
    h("option", { value: "" }, "Every style"),
  );
  const method = h(
    "select",
    { "aria-label": "Method", onchange: put("method") },
    h("option", { value: "" }, "Every method"),
    Object.keys(schema.methods).map((name) =>
      h("option", { value: name, selected: name === search.method }, name),
    ),
  );
  const since = h("input", {
    type: "date",
    "aria-label": "Painted since",
    value: search.since,
    onchange: put("since"),
  });
  const until = h("input", {
    type: "date",
    "aria-label": "Painted until",
    value: search.until,
    onchange: put("until"),
  });
  get("/styles").then(
    ({ items }) => {
      style.append(
        ...items.map((item) => {
          const name = item.kind === "own" ? item.title : item.id;
          return h("option", { value: name, selected: name === search.style }, item.title);
        }),
      );
    },
    () => {},
  );
  const node = h(
    "search.search-bar",
    {},
    words,
    style,
    method,
    h("span.dates", {}, since, h("span", { "aria-hidden": "true" }, "–"), until),
  );
  return { node, focus: () => words.focus() };
}
