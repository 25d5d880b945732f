// The view "Batch": many photographs, each in each of some styles, as one group of jobs.

import { post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { learn } from "../core/events.js";
import { counted } from "../core/format.js";
import { icon } from "../core/icons.js";
import { bind } from "../core/keys.js";
import { go } from "../core/router.js";
import { changed, methodOf, optionsOf } from "../core/schema.js";
import { drawer } from "../options/drawer.js";
import { outputDrawer } from "../options/output.js";
import { dials, segment } from "../paint/dials.js";
import { forecast } from "../paint/forecast.js";
import { stylesOf } from "../paint/request.js";
import { presetOf } from "../paint/state.js";
import { styleGallery } from "../paint/styles.js";
import { choices, optionIn, setter } from "./choices.js";
import { photographs } from "./photographs.js";
import { pile } from "./pile.js";
import { resultView } from "./result.js";
import { sheetView } from "./sheet.js";

const GROUP = "Batch";
const DIALS = new Set(["strength", "stroke", "color", "size"]);
const ELSEWHERE = new Set(["region"]); // which belong to one photograph
const JOB_ID = 8; // letters; a group's has sixteen

const state = choices("batch", {
  styles: [],
  preset: null,
  method: null,
  options: {},
  output: {},
  isBlend: false,
});
const many = pile("batch");

/** Show the view, or what became of a batch. */
export function view({ root, rest, signal }) {
  if (rest[0]?.length === JOB_ID) return resultView({ root, id: rest[0], signal });
  if (rest[0]) return sheetView({ root, group: rest[0], signal });
  const column = h("div.column.task-view");
  const pictures = photographs(many, signal, column);
  const styles = styleGallery(signal, {
    state,
    title: "Styles",
    isPlain: true,
    takesTrained: true,
  });
  const together = togetherDial();
  const knobs = dials(setter(state, "options"), (way) => state.change(way));
  const options = drawer(setter(state, "options"));
  const output = outputDrawer(setter(state, "output"));
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const before = forecast(signal, (error) => show(error, { quietly: true }));
  const sum = h("p.sum", { role: "status" });
  const button = h(
    "button.button.primary.large",
    { type: "button", onclick: start, title: "Paint (Ctrl+Enter)" },
    icon("batch"),
    h("span", {}, "Paint"),
  );

  root.append(
    fill(
      column,
      h("h1", { tabindex: -1 }, "Batch"),
      h(
        "p.quiet",
        {},
        "Many photographs at once. They are painted one after the other, while you see to " +
          "other things.",
      ),
      pictures.node,
      h("div.style-part", {}, styles.node, together.node),
      h("section.dial-panel.in-columns", { "aria-label": "Dials" }, knobs.node),
      options.node,
      output.node,
      h("div.go", {}, trouble, h("div.go-text", {}, sum, before.node), button),
    ),
  );
  bind("Ctrl+Enter", "Paint all", start, { signal, group: GROUP });
  bind("o", "Choose photographs", pictures.open, { signal, group: GROUP });

  const isEach = () => !state.value.isBlend && state.value.styles.length > 1;
  const count = () => many.sources().length * (isEach() ? state.value.styles.length : 1);

  function request(sources) {
    const { value } = state;
    return {
      task: "stylize",
      contents: sources,
      styles: stylesOf(value.styles),
      method: value.method,
      preset: presetOf(value),
      options: changed(methodOf(value), value.options),
      output: { ...value.output },
      each_style: isEach(),
    };
  }

  function refresh() {
    const { value } = state;
    const method = methodOf(value);
    knobs.show(value);
    options.show(
      optionsOf(method).filter((one) => !DIALS.has(one.name) && !ELSEWHERE.has(one.name)),
      value.options,
      method,
    );
    output.show(value.output);
    together.show();
    const [photos, n] = [many.sources().length, count()];
    const isReady = photos > 0 && value.styles.length > 0;
    const inStyles = isEach()
      ? ` × ${counted(value.styles.length, "style")} = ${counted(n, "picture")}`
      : "";
    sum.textContent = isReady ? `${counted(photos, "photograph")}${inStyles}` : "";
    button.classList.toggle("is-waiting", !isReady || many.isBusy());
    fill(button.lastChild, isReady ? `Paint ${counted(n, "picture")}` : "Paint");
    const one = isReady ? request(many.sources().slice(0, 1)) : null;
    before.ask(
      one && { ...one, styles: isEach() ? one.styles.slice(0, 1) : one.styles, each_style: false },
      n,
    );
    if (isReady) show(null);
  }

  function togetherDial() {
    const row = h("div.segments");
    const node = h("fieldset.dial.together", {}, h("legend", {}, "Several styles"), row);
    const put = (isBlend) => () => state.change({ isBlend });
    fill(
      row,
      segment("together", "each", "Each photograph in each style", put(false)),
      segment("together", "blend", "Blended in one picture", put(true)),
    );
    return {
      node,
      show() {
        node.hidden = state.value.styles.length < 2;
        for (const input of row.querySelectorAll("input")) {
          input.checked = (input.value === "blend") === state.value.isBlend;
        }
      },
    };
  }

  // A refusal stands beside what it is about.
  function show(error, { quietly = false } = {}) {
    for (const part of [knobs, options, output]) part.clear();
    for (const part of [styles, pictures]) part.complain("");
    trouble.hidden = true;
    if (!error) return;
    const name = optionIn(error);
    const inPlace =
      name &&
      (knobs.complain(name, error.message) ||
        (!quietly &&
          (options.complain(name, error.message) || output.complain(name, error.message))) ||
        (name === "style" && (styles.complain(error.message), true)));
    trouble.textContent = error.message;
    trouble.hidden = Boolean(inPlace);
  }

  async function start() {
    if (many.isBusy()) return show({ message: "Photographs are still being sent." });
    if (!many.sources().length) return show({ message: "Choose photographs." });
    if (!state.value.styles.length) return show({ message: "Choose a style." });
    if (button.disabled) return;
    button.disabled = true;
    try {
      const { jobs } = await post("/jobs", request(many.sources()));
      learn(jobs);
      go(jobs[0].group ? `batch/${jobs[0].group}` : "queue");
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  }

  state.watch(refresh, signal);
  many.items.watch(refresh, signal);
  refresh();
}
