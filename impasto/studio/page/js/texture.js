// The view "Texture": a surface of any size, from a painting's statistics alone.

import { post } from "./core/api.js";
import { h } from "./core/dom.js";
import { learn } from "./core/events.js";
import { icon } from "./core/icons.js";
import { bind } from "./core/keys.js";
import { complain } from "./core/notices.js";
import { optionsOf } from "./core/schema.js";
import { store } from "./core/store.js";
import { field } from "./options/field.js";
import { drawer } from "./options/drawer.js";
import { outputDrawer } from "./options/output.js";
import { currentJobs } from "./paint/current.js";
import { forecast } from "./paint/forecast.js";
import { stylesOf } from "./paint/request.js";
import { styleGallery } from "./paint/styles.js";

const FIRST = ["width", "height", "seamless", "stroke"];
const state = store({ styles: [], options: {}, output: {} });

/** Show the view. */
export function view({ root, signal }) {
  const set = (part) => (name, value) => {
    const values = { ...state.value[part] };
    if (value === undefined) delete values[name];
    else values[name] = value;
    state.change({ [part]: values });
  };
  const all = optionsOf("texture");
  const styles = styleGallery(signal, { state });
  const dials = all.filter((option) => FIRST.includes(option.name));
  const fields = new Map(
    dials.map((option) => [
      option.name,
      field(option, state.value.options[option.name], (value) =>
        set("options")(option.name, value),
      ),
    ]),
  );
  const options = drawer(set("options"));
  const output = outputDrawer(set("output"));
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const before = forecast(signal, show);
  const current = currentJobs(signal);
  const button = h(
    "button.button.primary.large",
    { type: "button", onclick: start },
    icon("texture"),
    h("span", {}, "Paint"),
  );

  root.append(
    h(
      "div.column.texture-view",
      {},
      h("h1", { tabindex: -1 }, "Texture"),
      h(
        "p.quiet",
        {},
        "A surface made of a painting's colours and strokes, of any size; a seamless one " +
          "can be repeated without a border.",
      ),
      styles.node,
      h("section.dial-panel.in-columns", { "aria-label": "Size" }, [...fields.values()]),
      options.node,
      output.node,
      h("div.go", {}, trouble, before.node, button),
      current.node,
    ),
  );
  bind("Ctrl+Enter", "Paint", start, { signal, group: "Texture" });

  const request = () => ({
    task: "texture",
    contents: [],
    styles: stylesOf(state.value.styles),
    method: null,
    preset: null,
    options: { ...state.value.options },
    output: { ...state.value.output },
  });

  function refresh() {
    options.show(
      all.filter((option) => !FIRST.includes(option.name)),
      state.value.options,
      "texture",
    );
    output.show(state.value.output);
    before.ask(state.value.styles.length ? request() : null);
  }

  function show(error) {
    for (const one of fields.values()) one.complain("");
    options.clear();
    trouble.hidden = true;
    if (!error) return;
    const one = fields.get(error.option);
    if (one) return one.complain(error.message);
    if (options.complain(error.option, error.message)) return;
    trouble.textContent = error.message;
    trouble.hidden = false;
  }

  async function start() {
    if (!state.value.styles.length) return show({ message: "Choose a style." });
    if (button.disabled) return;
    button.disabled = true;
    try {
      const { jobs } = await post("/jobs", request());
      show(null);
      learn(jobs);
      current.follow(jobs);
    } catch (error) {
      if (error.status) show(error);
      else complain(error);
    } finally {
      button.disabled = false;
    }
  }

  state.watch(refresh, signal);
  refresh();
}
