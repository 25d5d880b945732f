// Photographs of a task as a list: how far each is sent, what was refused, and a way to leave it out.

import { fill, h } from "../core/dom.js";
import { choose, filesBelow, filesOf, dropzone } from "../core/files.js";
import * as format from "../core/format.js";
import { icon } from "../core/icons.js";

/**
 * Make the list of a pile. What is dropped anywhere on `root`, or pasted, is added to it.
 * `say(pile)` returns what the line beneath the buttons says, beside how many are still sent. They are
 * called by a `noun`, and `accept` is what the chooser offers.
 */
export function photographs(
  pile,
  signal,
  root,
  { title = "Photographs", say = counting, noun = "photograph", accept = undefined } = {},
) {
  const list = h("ul.files", { "aria-label": title, tabindex: -1 });
  const line = h("span.quiet", { role: "status" });
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const all = h("button.link", { type: "button", onclick: pile.clear }, "Leave all out");
  const open = (options) => async () => take(await choose({ accept, ...options }));
  const openFiles = open({ multiple: !pile.only });
  const files = h(
    "button.button",
    { type: "button", onclick: openFiles },
    icon(noun === "film" ? "film" : "photo"),
    pile.only ? `Choose a ${noun}` : `Choose ${noun}s`,
  );
  const folder = pile.only
    ? null
    : h(
        "button.button",
        { type: "button", onclick: open({ folder: true, multiple: true }) },
        icon("folder"),
        "Choose a folder",
      );
  const hint = h(
    "span.quiet.drop-hint",
    {},
    pile.only ? "or drop one here" : "or drop them here, folders too",
  );
  const node = h(
    "section.photographs",
    { "aria-label": title },
    h("h2", {}, title),
    h(
      "div.photographs-box",
      {},
      h("div.photographs-top", {}, files, folder, hint),
      list,
      h("div.photographs-end", {}, line, all),
      trouble,
    ),
  );
  const rows = new Map();

  function take(chosen) {
    trouble.hidden = true;
    pile.add(chosen);
  }

  function render() {
    const items = pile.items.value;
    const kept = new Set(items.map((item) => item.key));
    for (const [key, one] of rows) {
      if (kept.has(key)) continue;
      if (one.node.contains(document.activeElement)) afterwards(one.node)?.focus();
      one.node.remove();
      rows.delete(key);
    }
    for (const item of items) {
      if (!rows.has(item.key)) {
        rows.set(
          item.key,
          row(item, () => pile.leaveOut(item.key)),
        );
        list.append(rows.get(item.key).node);
      }
      rows.get(item.key).show(item);
    }
    list.hidden = !items.length;
    all.hidden = items.length < 2;
    fill(line, say(pile));
  }

  const afterwards = (gone) =>
    (gone.nextElementSibling ?? gone.previousElementSibling)?.querySelector("button") ?? files;

  dropzone(root, take, filesBelow);
  document.addEventListener(
    "paste",
    (event) => {
      const pasted = filesOf(event.clipboardData);
      if (!pasted.length) return;
      event.stopImmediatePropagation(); // otherwise they would be painted at once
      take(pasted);
    },
    { capture: true, signal },
  );
  pile.items.watch(render, signal);
  render();
  return {
    node,
    open: openFiles,
    complain(message) {
      trouble.textContent = message;
      trouble.hidden = !message;
      if (message) node.scrollIntoView({ block: "nearest" });
    },
  };
}

/** Say how many photographs there are, and how many are still sent. */
export function counting(pile) {
  const items = pile.items.value;
  const there = items.filter((item) => item.state === "there").length;
  const wrong = items.filter((item) => item.state === "refused").length;
  const sending = items.length - there - wrong;
  return [
    !pile.only && (there || sending) ? format.counted(there, "photograph") : "",
    sending ? `${sending} being sent` : "",
    wrong ? `${wrong} refused` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

function row(item, leave) {
  const image = h("img", { alt: "", hidden: true, loading: "lazy" });
  const bar = h("progress", { max: 1, "aria-label": `Sent of ${item.name}` });
  const facts = h("span.quiet");
  const node = h(
    "li.file",
    {},
    h("span.file-picture", {}, image),
    h("span.file-text", {}, h("b", {}, item.name), facts, bar),
    h(
      "button.bare",
      {
        type: "button",
        "aria-label": `Leave ${item.name} out`,
        title: "Leave it out",
        onclick: leave,
      },
      icon("cancel"),
    ),
  );
  return {
    node,
    show(now) {
      node.dataset.state = now.state;
      bar.hidden = now.state === "there" || now.state === "refused";
      bar.value = now.part;
      if (now.upload && !image.src) {
        image.src = now.upload.thumbnail;
        image.hidden = false;
      }
      facts.textContent = said(now);
    },
  };
}

function said(item) {
  if (item.state === "refused") return item.message;
  if (item.state === "sending") {
    return item.part < 1
      ? `${Math.round(item.part * 100)} % of ${format.bytes(item.bytes)}`
      : "being read";
  }
  if (item.state === "waiting") return "waits";
  const { width, height, film } = item.upload;
  const length = film ? [format.clock(film.seconds)] : [];
  return [format.size(width, height), ...length, format.bytes(item.bytes)].join(", ");
}
