// The wall of pictures: only those in sight are elements, however many there are.

import { h } from "../core/dom.js";
import { clock } from "../core/format.js";
import { icon } from "../core/icons.js";
import { between, rowsOf } from "./layout.js";

const AROUND = 600; // pixels above and below that are kept ready

/** Make the wall; `show(items)` fills it, `near()` is called when its end comes into sight. */
export function grid(near, signal) {
  const node = h("ul.wall", { "aria-label": "Pictures" });
  const tiles = new Map();
  let items = [];
  let rank = new Map(); // where each picture stands
  let laid = { rows: [], height: 0 };
  let width = 0;
  let wanted = null; // a picture that is to have the focus once it is there

  function lay() {
    width = node.clientWidth;
    if (!width) return;
    laid = rowsOf(
      items,
      width,
      width < 600 ? { target: 150, gap: 6 } : { target: width > 1400 ? 300 : 240, gap: 10 },
    );
    node.style.setProperty("height", `${laid.height}px`);
    render();
  }

  function render() {
    const top = node.getBoundingClientRect().top;
    const [from, to] = between(laid.rows, -top - AROUND, -top + window.innerHeight + AROUND);
    const kept = new Set();
    for (const row of laid.rows.slice(from, to)) {
      for (const { item, left, width: wide } of row.items) {
        kept.add(item.id);
        const tile = tiles.get(item.id) ?? make(item);
        for (const [name, value] of [
          ["left", left],
          ["top", row.top],
          ["width", wide],
          ["height", row.height],
        ])
          tile.style.setProperty(name, `${value.toFixed(1)}px`);
      }
    }
    for (const [id, tile] of tiles) {
      if (!kept.has(id) && !tile.contains(document.activeElement)) {
        tile.remove();
        tiles.delete(id);
      }
    }
    if (wanted && tiles.has(wanted)) {
      tiles.get(wanted).firstChild.focus({ preventScroll: true });
      wanted = null;
    }
    if (laid.height + top < window.innerHeight + 2 * AROUND) near();
  }

  function make(item) {
    const kind = item.kind === "film" ? ["film"] : [];
    const about = [item.title || item.name, ...kind, item.method].join(", ");
    const tile = h(
      "li.tile",
      { dataset: { id: item.id } },
      h(
        "a",
        { href: `#/gallery/${item.id}`, "aria-label": about },
        h("img", { src: item.thumbnail, alt: "", decoding: "async" }),
        item.kind === "film" &&
          h("span.tile-length", {}, icon("play"), item.seconds ? clock(item.seconds) : ""),
        h("span.tile-caption", { "aria-hidden": "true" }, item.title || item.name),
      ),
    );
    // Elements stand in the order of the pictures, for those who go by keys.
    const after = [...node.children].find((one) => rank.get(one.dataset.id) > rank.get(item.id));
    node.insertBefore(tile, after ?? null);
    tiles.set(item.id, tile);
    return tile;
  }

  /** Move the focus by so many pictures, or rows. */
  function step(pictures, rows = 0) {
    const id = document.activeElement?.closest(".tile")?.dataset.id;
    if (!id) return false;
    const row = laid.rows.findIndex((one) => one.items.some((at) => at.item.id === id));
    const at = rank.get(id);
    const next = rows
      ? nearest(laid.rows[row], laid.rows[row + rows], id)
      : items[at + pictures]?.id;
    if (next) focus(next);
    return true;
  }

  function nearest(row, other, id) {
    if (!other) return null;
    const here = row.items.find((at) => at.item.id === id);
    const middle = here.left + here.width / 2;
    return other.items.reduce((best, at) =>
      Math.abs(at.left + at.width / 2 - middle) < Math.abs(best.left + best.width / 2 - middle)
        ? at
        : best,
    ).item.id;
  }

  function focus(id) {
    const row = laid.rows.find((one) => one.items.some((at) => at.item.id === id));
    if (!row) return;
    wanted = id;
    const top = node.getBoundingClientRect().top + row.top;
    if (top < 80) window.scrollBy(0, top - 120);
    else if (top + row.height > window.innerHeight) {
      window.scrollBy(0, top + row.height - window.innerHeight + 80);
    }
    render();
  }

  let waits = false;
  const soon = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      if (node.isConnected) render();
    });
  };
  window.addEventListener("scroll", soon, { passive: true, signal });
  const observer = new ResizeObserver(() => node.clientWidth !== width && lay());
  observer.observe(node);
  signal.addEventListener("abort", () => observer.disconnect());

  return {
    node,
    step,
    focus,
    show(next) {
      items = next;
      rank = new Map(items.map((item, n) => [item.id, n]));
      for (const [id, tile] of tiles) {
        if (!rank.has(id)) {
          tile.remove();
          tiles.delete(id);
        }
      }
      lay();
    },
  };
}
