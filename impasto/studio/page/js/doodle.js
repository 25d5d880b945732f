// The view "Doodle": a drawing in a few flat colours, each painted like a part of a painting.

import { LabelMap, sizeFor } from "./brush/labels.js";
import { editor } from "./brush/editor.js";
import { get, post } from "./core/api.js";
import { fill, h } from "./core/dom.js";
import { learn } from "./core/events.js";
import { icon } from "./core/icons.js";
import { bind } from "./core/keys.js";
import { optionsOf } from "./core/schema.js";
import { store } from "./core/store.js";
import { drawer } from "./options/drawer.js";
import { currentJobs } from "./paint/current.js";
import { sent } from "./paint/request.js";
import { segment } from "./paint/dials.js";
import { styleGallery } from "./paint/styles.js";

const SHAPES = { wide: [1024, 683], square: [1024, 1024], tall: [683, 1024] };
const state = store({ styles: [], options: {}, shape: "wide" });
const maps = { drawing: null, painting: null, of: null };

/** Show the view. */
export function view({ root, signal }) {
  const styles = styleGallery(signal, {
    state,
    onlyOwn: true,
    title: "Painting",
    pick: (item) => {
      state.change({ styles: [{ ...item, ref: { style: item.id }, weight: 1, use: "" }] });
    },
  });
  const options = drawer((name, value) => {
    const values = { ...state.value.options };
    if (value === undefined) delete values[name];
    else values[name] = value;
    state.change({ options: values });
  });
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const button = h(
    "button.button.primary.large",
    { type: "button", onclick: start },
    icon("doodle"),
    h("span", {}, "Paint"),
  );
  const current = currentJobs(signal);
  const drawing = h("div.editor-place");
  const painting = h("div.editor-place");
  const shapes = h(
    "div.segments",
    { role: "radiogroup", "aria-label": "Shape" },
    Object.keys(SHAPES).map((name) =>
      segment("shape", name, name[0].toUpperCase() + name.slice(1), () => {
        maps.drawing = null;
        state.change({ shape: name });
        showDrawing();
      }),
    ),
  );
  for (const input of shapes.querySelectorAll("input"))
    input.checked = input.value === state.value.shape;

  root.append(
    h(
      "div.column.wide.doodle-view",
      {},
      h("h1", { tabindex: -1 }, "Doodle"),
      h(
        "p.quiet",
        {},
        "Mark parts of a painting with colours, then draw your own picture in the same " +
          "colours. Each is painted like the part that has its colour.",
      ),
      styles.node,
      h(
        "div.doodle-boards",
        {},
        h("section", {}, h("h2", {}, "1. Parts of the painting"), painting),
        h("section", {}, h("div.panel-top", {}, h("h2", {}, "2. Your drawing"), shapes), drawing),
      ),
      options.node,
      h("div.go", {}, trouble, button),
      current.node,
    ),
  );
  bind("Ctrl+Enter", "Paint", start, { signal, group: "Doodle" });

  function board(map, options_) {
    const made = editor(map, { signal, changed: () => {}, bindsKeys: false, ...options_ });
    // The keys go to the board that was touched last.
    let life = null;
    made.node.addEventListener("focusin", () => {
      if (life && active === made) return;
      active?.release();
      active = made;
      life = new AbortController();
      made.takeKeys(life.signal);
    });
    made.release = () => {
      life?.abort();
      life = null;
    };
    return made;
  }
  let active = null;

  function showDrawing() {
    const [width, height] = SHAPES[state.value.shape];
    maps.drawing ??= new LabelMap(width, height);
    fill(drawing, board(maps.drawing, { title: "Your drawing" }).node);
  }

  async function showPainting() {
    const [style] = state.value.styles;
    if (!style) {
      fill(
        painting,
        h(
          "p.empty.is-still",
          {},
          "Choose or add a painting above. " +
            "A style card holds no places, so it takes the painting's own file.",
        ),
      );
      return;
    }
    const upload = await get(`/uploads/${style.upload}`);
    if (signal.aborted) return;
    if (maps.of !== upload.id) {
      const { width, height } = sizeFor(upload.width, upload.height);
      maps.painting = new LabelMap(width, height);
      maps.of = upload.id;
    }
    fill(
      painting,
      board(maps.painting, { title: "Parts of the painting", picture: upload.view }).node,
    );
  }

  function show(error) {
    options.clear();
    trouble.hidden = true;
    if (!error || options.complain(error.option, error.message)) return;
    trouble.textContent = error.message;
    trouble.hidden = false;
  }

  async function start() {
    if (!state.value.styles.length) return show({ message: "Choose a painting." });
    if (button.disabled) return;
    button.disabled = true;
    try {
      const { jobs } = await post("/jobs", {
        task: "doodle",
        contents: [],
        styles: [state.value.styles[0].ref],
        method: null,
        preset: null,
        options: { ...state.value.options },
        output: {},
        content_map: { upload: await sent(maps.drawing, "drawing.png") },
        style_maps: [{ upload: await sent(maps.painting, "painting-map.png") }],
      });
      show(null);
      learn(jobs);
      current.follow(jobs);
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  }

  let shown = null;
  state.watch(() => {
    options.show(optionsOf("doodle"), state.value.options, "doodle");
    if (state.value.styles[0]?.id !== shown) {
      shown = state.value.styles[0]?.id;
      showPainting().catch(show);
    }
  }, signal);
  options.show(optionsOf("doodle"), state.value.options, "doodle");
  shown = state.value.styles[0]?.id;
  showPainting().catch(show);
  showDrawing();
}
