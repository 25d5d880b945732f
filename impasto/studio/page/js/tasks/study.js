// The view "Study": one option at several values, to see and measure what it does.

import { post } from "../core/api.js";
import { fill, h, uid } from "../core/dom.js";
import { learn } from "../core/events.js";
import { icon } from "../core/icons.js";
import { bind } from "../core/keys.js";
import { go } from "../core/router.js";
import { optionsOf, schema } from "../core/schema.js";
import { complain as mark } from "../options/field.js";
import { drawer } from "../options/drawer.js";
import { forecast } from "../paint/forecast.js";
import { stylesOf } from "../paint/request.js";
import { styleGallery } from "../paint/styles.js";
import { choices, optionIn, setter } from "./choices.js";
import { photographs } from "./photographs.js";
import { pile } from "./pile.js";
import { resultView } from "./result.js";
import { studied } from "./studied.js";

const ELSEWHERE = new Set(["region"]);
const ONE_RUN = new Set(["iterations", "statistics"]); // whose pictures are of one painting

const state = choices("study", {
  styles: [],
  study: "strength",
  values: "",
  method: "gatys",
  options: {},
});
const one = pile("study", { only: true });

/** Show the view, or what became of a study. */
export function view({ root, rest, signal }) {
  if (rest[0]) return resultView({ root, id: rest[0], signal, show: studied });
  const column = h("div.column.task-view");
  const picture = photographs(one, signal, column, { title: "Photograph" });
  const styles = styleGallery(signal, {
    state,
    title: "Style",
    pick: (item) =>
      state.change({
        styles: [
          {
            id: item.id,
            ref: { style: item.id },
            title: item.title,
            picture: item.picture,
            weight: 1,
            use: "",
          },
        ],
      }),
    isPlain: true,
  });
  const kind = kindField();
  const values = valuesField();
  const method = methodField();
  const options = drawer(setter(state, "options"));
  const before = forecast(signal, (error) => show(error, { quietly: true }));
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const button = h(
    "button.button.primary.large",
    { type: "button", onclick: start, title: "Study (Ctrl+Enter)" },
    icon("study"),
    h("span", {}, "Study"),
  );

  root.append(
    fill(
      column,
      h("h1", { tabindex: -1 }, "Study"),
      h(
        "p.quiet",
        {},
        "One photograph in one style, several times: only one thing is changed. What it does is " +
          "seen side by side, and measured.",
      ),
      picture.node,
      styles.node,
      h(
        "section.dial-panel.study-fields",
        { "aria-label": "The study" },
        kind.node,
        values.node,
        method.node,
      ),
      options.node,
      h("div.go", {}, trouble, before.node, button),
    ),
  );
  bind("Ctrl+Enter", "Study", start, { signal, group: "Study" });
  bind("o", "Choose a photograph", picture.open, { signal, group: "Study" });

  function kindField() {
    const id = uid("study");
    const help = h("p.help", { id: `${id}-help` });
    const select = h(
      "select",
      {
        id,
        "aria-describedby": `${id}-help`,
        onchange: () => state.change({ study: select.value, values: "" }),
      },
      Object.entries(schema.studies).map(([name, study]) =>
        h("option", { value: name }, study.title),
      ),
    );
    return {
      node: h(
        "div.field",
        { dataset: { option: "study" } },
        h("div.field-top", {}, h("label", { for: id }, "What is varied")),
        select,
        help,
      ),
      show() {
        select.value = state.value.study;
        help.textContent = schema.studies[state.value.study].help;
      },
    };
  }

  function valuesField() {
    const id = uid("values");
    const help = h("p.help", { id: `${id}-help` });
    const wrong = h("p.trouble", { id: `${id}-trouble`, role: "alert", hidden: true });
    const input = h("input", {
      id,
      type: "text",
      spellcheck: "false",
      placeholder: "the usual ones",
      "aria-describedby": `${id}-help ${id}-trouble`,
      oninput: () => state.change({ values: input.value }),
    });
    const node = h(
      "div.field",
      { dataset: { option: "values" } },
      h("div.field-top", {}, h("label", { for: id }, "Values", h("code", {}, "--values"))),
      input,
      help,
      wrong,
    );
    return {
      node,
      complain: (message) => mark(node, input, wrong, message),
      show() {
        const { takes } = schema.studies[state.value.study];
        input.disabled = takes === "nothing";
        if (document.activeElement !== input) input.value = state.value.values;
        help.textContent = input.disabled
          ? "This study varies nothing."
          : `Separated by commas: ${takes}. Left empty, the study has its own.`;
      },
    };
  }

  function methodField() {
    const id = uid("method");
    const help = h("p.help", { id: `${id}-help` });
    const select = h(
      "select",
      {
        id,
        "aria-describedby": `${id}-help`,
        onchange: () => state.change({ method: select.value }),
      },
      schema.tasks.study.map((name) => h("option", { value: name }, name)),
    );
    return {
      node: h(
        "div.field",
        { dataset: { option: "method" } },
        h("div.field-top", {}, h("label", { for: id }, "Method", h("code", {}, "--method"))),
        select,
        help,
      ),
      show() {
        select.value = state.value.method;
        help.textContent = schema.methods[state.value.method].help.replaceAll("`", "");
      },
    };
  }

  const given = () =>
    state.value.values
      .split(",")
      .map((text) => text.trim())
      .filter(Boolean);

  const request = () => ({
    task: "study",
    study: state.value.study,
    values: given(),
    contents: one.sources(),
    styles: stylesOf(state.value.styles),
    method: state.value.method,
    preset: null,
    options: Object.fromEntries(
      optionsOf(state.value.method)
        .map(({ name }) => [name, state.value.options[name]])
        .filter(([, value]) => value !== undefined),
    ),
  });

  function refresh() {
    const { value } = state;
    for (const part of [kind, values, method]) part.show();
    options.show(
      optionsOf(value.method)
        .filter((option) => !ELSEWHERE.has(option.name))
        .map(smaller),
      value.options,
      value.method,
    );
    const isReady = one.sources().length && value.styles.length;
    button.classList.toggle("is-waiting", !isReady);
    const asked = isReady ? request() : null;
    const times = ONE_RUN.has(value.study) ? 1 : Math.max(1, given().length);
    before.ask(
      asked && {
        task: "stylize",
        contents: asked.contents,
        styles: asked.styles,
        method: asked.method,
        preset: null,
        options: { size: SIZE, ...asked.options },
      },
      times,
    );
    show(null);
  }

  function show(error, { quietly = false } = {}) {
    values.complain("");
    options.clear();
    for (const part of [styles, picture]) part.complain("");
    trouble.hidden = true;
    if (!error) return;
    const name = optionIn(error);
    if (name === "values") return values.complain(error.message);
    if (!quietly && name && options.complain(name, error.message)) return;
    if (name === "style") return styles.complain(error.message);
    trouble.textContent = error.message;
    trouble.hidden = false;
  }

  async function start() {
    if (one.isBusy()) return show({ message: "The photograph is still being sent." });
    if (!one.sources().length) return show({ message: "Choose a photograph." });
    if (!state.value.styles.length) return show({ message: "Choose a style." });
    if (button.disabled) return;
    button.disabled = true;
    try {
      const { jobs } = await post("/jobs", request());
      learn(jobs);
      go(`study/${jobs[0].id}`);
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  }

  state.watch(refresh, signal);
  one.items.watch(refresh, signal);
  refresh();
}

// A study is small by default, as it is many pictures: the studio's own choice.
const SIZE = 256;
const smaller = (option) => (option.name === "size" ? { ...option, default: SIZE } : option);
