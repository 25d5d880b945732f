// The stage: the photograph, the live look over it, and the other photographs beneath.

import { fill, h } from "../core/dom.js";
import { choose, dropzone } from "../core/files.js";
import { icon } from "../core/icons.js";
import { size } from "../core/format.js";
import { notice } from "../core/notices.js";
import { takeFiles } from "./intake.js";
import { looker } from "./look.js";
import { paint } from "./state.js";

/** Make the stage; `regions` is the brush, which takes its place while one draws. */
export function stage(signal, regions) {
  let wanted = localStorage.getItem("impasto.look") !== "off";
  const photo = h("img.photo", { alt: "", onerror: lost });
  const look = h("img.look", { alt: "", hidden: true });
  const caption = h("span.stage-caption", { role: "status" });
  const badge = h("span.look-badge", { hidden: true }, "Live look");
  const hold = h(
    "button.chip.hold.is-short",
    {
      type: "button",
      hidden: true,
      "aria-label": "Hold to compare",
      title: "Hold to see the photograph (c)",
      onpointerdown: () => compare(true),
      onpointerup: () => compare(false),
      onpointerleave: () => compare(false),
      onkeydown: (e) => e.key === " " && compare(true),
      onkeyup: () => compare(false),
      onblur: () => compare(false),
    },
    icon("compare"),
    h("span", {}, "Hold to compare"),
  );
  const switcher = h("input.switch", {
    type: "checkbox",
    role: "switch",
    checked: wanted,
    onchange: toggleLook,
  });
  const draw = h(
    "button.chip",
    { type: "button", onclick: () => regions.toggle(), title: "Draw regions (r)" },
    icon("brush"),
    h("span", {}, "Regions"),
  );
  const add = h(
    "button.chip.is-short",
    {
      type: "button",
      onclick: open,
      "aria-label": "Add photographs",
      title: "Choose photographs (o)",
    },
    icon("photo"),
    h("span", {}, "Add"),
  );
  const only = h(
    "button.chip.is-short",
    {
      type: "button",
      "aria-label": "Leave the photograph out",
      title: "Leave the photograph out",
      onclick: () => leaveOut(0),
    },
    icon("cancel"),
    h("span", {}, "Leave out"),
  );
  const empty = h(
    "button.empty",
    { type: "button", onclick: open },
    h("span.empty-art", { "aria-hidden": "true" }, icon("photo")),
    h("strong", {}, "Drop a photograph here"),
    h("span", {}, "or paste one, or choose it. Several become a batch."),
  );
  const frame = h("div.stage-frame", {}, h("div.picture-box", {}, photo, look, badge));
  const editorPlace = h("div.editor-place", { hidden: true });
  const tools = h(
    "div.stage-tools",
    {},
    draw,
    hold,
    h("label.inline", { title: "Live look (l)" }, switcher, "Live look"),
    caption,
    only,
    add,
  );
  const strip = h("ul.strip", { "aria-label": "Photographs" });
  const node = h(
    "section.stage",
    { "aria-label": "Photograph" },
    empty,
    frame,
    editorPlace,
    tools,
    strip,
  );
  dropzone(node, takeFiles);

  const ask = looker((state) => {
    node.classList.toggle("is-looking", Boolean(state.busy));
    caption.textContent = state.busy ? "Looking…" : (state.error ?? "");
    caption.classList.toggle("is-wrong", Boolean(state.error));
    if (state.busy) return;
    if (state.url) look.src = state.url;
    look.hidden = hold.hidden = badge.hidden = !state.url;
  }, signal);

  async function open() {
    takeFiles(await choose({ multiple: true }));
  }

  // As after a reload, when the studio has let it go meanwhile.
  function lost() {
    const { contents, active } = paint.value;
    if (!contents[active]) return;
    notice(`The photograph ${contents[active].name} is not here any more.`, { kind: "error" });
    leaveOut(active);
  }

  function compare(isOn) {
    node.classList.toggle("is-comparing", isOn);
    return !look.hidden;
  }

  function toggleLook() {
    wanted = !wanted;
    switcher.checked = wanted;
    localStorage.setItem("impasto.look", wanted ? "on" : "off");
    ask(paint.value, wanted, regions.map());
  }

  function show(value) {
    const content = value.contents[value.active];
    const isDrawing = regions.isOpen() && value.contents.length === 1;
    empty.hidden = Boolean(content);
    frame.hidden = !content || isDrawing;
    tools.hidden = !content;
    editorPlace.hidden = !isDrawing;
    draw.setAttribute("aria-pressed", String(isDrawing));
    draw.hidden = value.contents.length > 1;
    only.hidden = value.contents.length !== 1;
    if (content && photo.dataset.view !== content.view) {
      photo.dataset.view = content.view;
      photo.src = content.view;
      photo.alt = `The photograph ${content.name}`;
      look.hidden = true;
    }
    look.alt = content ? `A look at ${content.name} in the chosen style` : "";
    if (content) frame.style.setProperty("--ratio", content.width / content.height);
    if (isDrawing) regions.mount(editorPlace, content);
    renderStrip(value);
    ask(value, wanted && !isDrawing, regions.map());
  }

  function renderStrip({ contents, active }) {
    const key = contents.map((content) => content.view).join() + active;
    if (strip.dataset.key === key) return;
    strip.dataset.key = key;
    fill(
      strip,
      contents.map((content, n) =>
        h(
          "li",
          {},
          h(
            "button.thumb",
            {
              type: "button",
              "aria-pressed": String(n === active),
              title: `${content.name}, ${size(content.width, content.height)}`,
              "aria-label": `Show ${content.name}`,
              onclick: () => paint.change({ active: n }),
            },
            h("img", { src: content.thumbnail, alt: "" }),
          ),
          h(
            "button.bare.drop",
            {
              type: "button",
              "aria-label": `Leave ${content.name} out`,
              onclick: () => leaveOut(n),
            },
            icon("cancel"),
          ),
        ),
      ),
    );
  }

  function leaveOut(n) {
    const { contents, active } = paint.value;
    const rest = contents.filter((_, at) => at !== n);
    paint.change({ contents: rest, active: Math.max(0, Math.min(active, rest.length - 1)) });
  }

  return { node, show, open, compare, toggleLook };
}
