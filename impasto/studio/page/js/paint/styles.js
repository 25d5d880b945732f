// The styles: the gallery's and one's own, with pictures; several with weights.

import { get, post, remove } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { choose, dropzone } from "../core/files.js";
import { icon } from "../core/icons.js";
import { complain, notice } from "../core/notices.js";
import { sendAll } from "./intake.js";
import { paint, toggleStyle } from "./state.js";

/**
 * Make the style gallery; `state` is the store of the choices, in which `styles` are kept.
 * With `onlyOwn`, for what needs a painting's own file, the built-in ones are left out; with
 * `isPlain` any number is chosen, without weights. `takesTrained` offers trained styles too. `pick`
 * takes over what a press means.
 */
export function styleGallery(
  signal,
  {
    onlyOwn = false,
    state = paint,
    pick = null,
    title = "Style",
    isPlain = false,
    takesTrained = false,
  } = {},
) {
  const many = h("input.switch", {
    type: "checkbox",
    role: "switch",
    id: "several-styles",
    onchange: () => {
      if (!many.checked) state.change({ styles: state.value.styles.slice(0, 1) });
    },
  });
  const shelf = h("div.styles", { role: "group", "aria-label": "Styles" });
  const list = h("ul.chosen");
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const node = h(
    "section.style-panel",
    { "aria-label": title, dataset: { option: "style" } },
    h(
      "div.panel-top",
      {},
      h("h2", {}, title),
      onlyOwn || isPlain ? null : h("label.inline", { for: "several-styles" }, many, "Several"),
    ),
    shelf,
    list,
    trouble,
  );
  let items = [];

  const press = (item) => {
    trouble.hidden = true;
    if (pick) pick(item);
    else toggleStyle(item, isPlain || many.checked, state);
  };

  function tile(item) {
    const isOn = state.value.styles.some((style) => style.id === item.id);
    const button = h(
      "button.style",
      {
        type: "button",
        "aria-pressed": String(isOn),
        title: [item.title, item.part && "trained", item.artist, item.about]
          .filter(Boolean)
          .join("\n"),
        onclick: () => press(item),
      },
      item.part && h("span.trained-sign", {}, icon("train"), h("span.unseen", {}, "Trained: ")),
      pictureOf(item, 120),
      h("span", {}, item.title),
    );
    if (item.kind !== "own") return button;
    return h(
      "div.own",
      {},
      button,
      h(
        "button.bare.drop",
        {
          type: "button",
          "aria-label": `Remove the style ${item.title}`,
          title: "Remove",
          onclick: () => away(item),
        },
        icon("cancel"),
      ),
    );
  }

  function render() {
    const shown = items.filter(
      (item) => (!onlyOwn || item.kind === "own") && (takesTrained || !item.part),
    );
    const focused = shelf.contains(document.activeElement)
      ? [...shelf.querySelectorAll("button")].indexOf(document.activeElement)
      : -1;
    fill(
      shelf,
      h(
        "button.style.more",
        {
          type: "button",
          onclick: async () =>
            take(
              await choose({ multiple: true, accept: "image/*,.heic,.tif,.tiff,.style,.impasto" }),
            ),
        },
        h("span.plus", {}, icon("add")),
        h("span", {}, "Your painting"),
      ),
      shown.map(tile),
    );
    if (focused >= 0) shelf.querySelectorAll("button")[focused]?.focus();
    renderChosen();
  }

  function renderChosen() {
    const { styles } = state.value;
    list.hidden = onlyOwn || isPlain || !styles.length;
    if (
      list.contains(document.activeElement) &&
      document.activeElement.matches("input[type=range]")
    )
      return; // it is being moved
    fill(
      list,
      styles.map((style) => chosen(style, state, styles.length > 1)),
    );
  }

  async function away(item) {
    try {
      await remove(`/styles/${item.id}`);
      items = items.filter((one) => one.id !== item.id);
      state.change({ styles: state.value.styles.filter((style) => style.id !== item.id) });
      notice(`Removed the style ${item.title}.`, {
        action: { label: "Undo", run: () => keep(item).then(render, complain) },
      });
    } catch (error) {
      complain(error);
    }
  }

  async function keep({ upload, title, part, picture }) {
    const kept = await post("/styles", { upload, title, ...(part ? { part } : {}) });
    const item = { ...kept, picture: kept.picture ?? picture ?? null };
    items = [...items.filter((one) => one.id !== item.id), item];
    return item;
  }

  async function take(files) {
    await sendAll(files, async (sent) => {
      const item = await keep({ upload: sent.id, title: sent.name.replace(/\.[^.]*$/, "") });
      if (!state.value.styles.some((style) => style.id === item.id)) press(item);
      else render();
    });
  }

  dropzone(node, take);
  state.watch(render, signal);
  get("/styles").then((answer) => {
    items = answer.items
      .map((item) => ({ ...item, picture: item.picture ?? learntFrom(item, answer.items) }))
      .sort((a, b) => (a.kind === "own" ? 0 : 1) - (b.kind === "own" ? 0 : 1));
    many.checked = state.value.styles.length > 1;
    state.set(state.value); // regions name styles, too
  }, complain);
  render();
  return {
    node,
    items: () => items,
    complain(message) {
      trouble.textContent = message;
      trouble.hidden = !message;
    },
  };
}

function pictureOf({ picture }, side) {
  if (picture)
    return h("img", { src: picture, alt: "", loading: "lazy", width: side, height: side });
  return h("span.plus", {}, icon("train"));
}

// A trained style holds no picture: it is named after the painting, which may still be here.
const learntFrom = ({ part }, items) =>
  items.find((item) => item.picture && (item.id === part || item.title === part))?.picture ?? null;

function chosen(style, state, hasWeight) {
  const change = (parts) =>
    state.change({
      styles: state.value.styles.map((one) => (one.id === style.id ? { ...one, ...parts } : one)),
    });
  const weight = h("output", {}, style.weight);
  return h(
    "li",
    {},
    pictureOf(style, 36),
    h("span.chosen-title", {}, style.title),
    h(
      "select",
      {
        "aria-label": `What of ${style.title}`,
        onchange: (event) => change({ use: event.target.value }),
      },
      [
        ["", "All of it"],
        ["fine", "Strokes only"],
        ["coarse", "Shapes only"],
      ].map(([value, text]) => h("option", { value, selected: value === style.use }, text)),
    ),
    h(
      "button.bare",
      {
        type: "button",
        "aria-label": `Leave ${style.title} out`,
        onclick: () =>
          state.change({ styles: state.value.styles.filter((one) => one.id !== style.id) }),
      },
      icon("cancel"),
    ),
    hasWeight &&
      h(
        "label.weight",
        {},
        "Weight",
        h("input", {
          type: "range",
          min: 0.05,
          max: 2,
          step: 0.05,
          value: style.weight,
          style: { "--at": `${(style.weight / 2) * 100}%` },
          "aria-label": `Weight of ${style.title}`,
          oninput: (event) => {
            const value = Number(event.target.value);
            weight.textContent = value;
            event.target.style.setProperty("--at", `${(value / 2) * 100}%`);
            change({ weight: value });
          },
        }),
        weight,
      ),
  );
}
