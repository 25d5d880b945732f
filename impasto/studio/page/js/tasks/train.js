// The view "Train": a network learns some paintings from photographs, and paints in them at once.

import { get, post } from "../core/api.js";
import { fill, h, uid } from "../core/dom.js";
import { learn } from "../core/events.js";
import * as format from "../core/format.js";
import { icon } from "../core/icons.js";
import { bind } from "../core/keys.js";
import { go } from "../core/router.js";
import { schema } from "../core/schema.js";
import { drawer } from "../options/drawer.js";
import { field } from "../options/field.js";
import { segment } from "../paint/dials.js";
import { stylesOf } from "../paint/request.js";
import { chosenStyle, paint } from "../paint/state.js";
import { styleGallery } from "../paint/styles.js";
import { card } from "./card.js";
import { choices, optionIn, setter } from "./choices.js";
import { counting, photographs } from "./photographs.js";
import { pile } from "./pile.js";
import { fileText, pictures, resultView } from "./result.js";

const FIRST = ["steps", "size"];
const LEAST = 8; // photographs
// A step of the usual training, on two quiet processor cores.
const STEP = { seconds: 0.6, batch: 4, crop: 160 };

const state = choices("train", { styles: [], isOwn: false, options: {}, title: "" });
const own = pile("train");

/** Show the view, or what became of a training. */
export function view({ root, rest, signal }) {
  if (rest[0]) return resultView({ root, id: rest[0], signal, show: learnt });
  const column = h("div.column.task-view");
  const styles = styleGallery(signal, { state, title: "Paintings to learn", isPlain: true });
  const pictures = photographs(own, signal, column, {
    title: "Your photographs",
    say: () => `${counting(own) || "No photograph yet"}; ${LEAST} at least, some hundreds are good`,
  });
  const source = sourceDial();
  const set = setter(state, "options");
  const fields = new Map(
    schema.training
      .filter((option) => FIRST.includes(option.name))
      .map((option) => [
        option.name,
        field(option, state.value.options[option.name], (value) => set(option.name, value)),
      ]),
  );
  const title = nameField();
  const options = drawer(set);
  const time = h("p.forecast", { role: "status" });
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const button = h(
    "button.button.primary.large",
    { type: "button", onclick: start, title: "Train (Ctrl+Enter)" },
    icon("train"),
    h("span", {}, "Train"),
  );

  root.append(
    fill(
      column,
      h("h1", { tabindex: -1 }, "Train"),
      h(
        "p.quiet",
        {},
        "A network learns one or more paintings. Then it paints in them in a second, closer to " +
          "them than the draft is. A painting with one kind of brushwork throughout is learnt best.",
      ),
      styles.node,
      source,
      pictures.node,
      h("section.dial-panel.in-columns", { "aria-label": "The training" }, title.node, [
        ...fields.values(),
      ]),
      options.node,
      h("div.go", {}, trouble, time, button),
    ),
  );
  bind("Ctrl+Enter", "Train", start, { signal, group: "Train" });

  function sourceDial() {
    const put = (isOwn) => () => state.change({ isOwn });
    const row = h(
      "div.segments",
      {},
      segment(
        "learn-from",
        "",
        "The built-in ones",
        put(false),
        "The fourteen photographs of scikit-image",
      ),
      segment("learn-from", "own", "My own", put(true)),
    );
    for (const input of row.querySelectorAll("input"))
      input.checked = Boolean(input.value) === state.value.isOwn;
    return h(
      "fieldset.dial.together",
      {},
      h("legend", {}, "Photographs to learn from"),
      row,
      h(
        "p.help",
        {},
        "Fourteen are built in, enough to try it. Photographs like those that you will paint " +
          "give a better network.",
      ),
    );
  }

  function nameField() {
    const id = uid("name");
    const input = h("input", {
      id,
      type: "text",
      value: state.value.title,
      maxlength: 100,
      placeholder: "as the first painting",
      oninput: () => state.change({ title: input.value }),
    });
    return {
      node: h(
        "div.field",
        {},
        h("div.field-top", {}, h("label", { for: id }, "Name")),
        input,
        h("p.help", {}, "Of the file of styles."),
      ),
    };
  }

  function refresh() {
    const { value } = state;
    pictures.node.hidden = !value.isOwn;
    options.show(
      schema.training.filter((option) => !FIRST.includes(option.name)),
      value.options,
      "train",
    );
    fill(time, value.styles.length ? duration(value.options) : "");
    const isReady = value.styles.length && (!value.isOwn || own.sources().length >= LEAST);
    button.classList.toggle("is-waiting", !isReady || own.isBusy());
    fill(
      button.lastChild,
      value.styles.length > 1 ? `Train ${value.styles.length} styles` : "Train",
    );
    show(null);
  }

  // A refusal stands beside what it is about.
  function show(error) {
    for (const one of fields.values()) one.complain("");
    for (const part of [styles, pictures]) part.complain("");
    options.clear();
    trouble.hidden = true;
    if (!error) return;
    const name = optionIn(error);
    const one = fields.get(name);
    if (one) return one.complain(error.message);
    if (name && options.complain(name, error.message)) return;
    if (name === "style") return styles.complain(error.message);
    if (name === "content" && state.value.isOwn) return pictures.complain(error.message);
    trouble.textContent = error.message;
    trouble.hidden = false;
  }

  async function start() {
    const { value } = state;
    if (!value.styles.length) return show({ message: "Choose a painting to learn." });
    if (value.isOwn && own.isBusy()) return show({ message: "Photographs are still being sent." });
    if (value.isOwn && own.sources().length < LEAST) {
      return show({
        option: "content",
        message:
          `${LEAST} photographs are needed at least: add ` +
          `${LEAST - own.sources().length} more, or take the built-in ones.`,
      });
    }
    if (button.disabled) return;
    button.disabled = true;
    try {
      const { jobs } = await post("/jobs", {
        task: "train",
        contents: value.isOwn ? own.sources() : [],
        styles: stylesOf(value.styles).map(({ style }) => ({ style })),
        options: { ...value.options },
        title: value.title.trim() || null,
      });
      learn(jobs);
      go(`train/${jobs[0].id}`);
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  }

  state.watch(refresh, signal);
  own.items.watch(refresh, signal);
  refresh();
}

/** Return how long a training may take, in words. */
export function duration(values) {
  const of = (name) =>
    Number(values[name] ?? schema.training.find((one) => one.name === name).default);
  const seconds =
    of("steps") *
    STEP.seconds *
    (of("batch") / STEP.batch) *
    (of("crop") / STEP.crop) ** 2 *
    (of("steady") ? 1.25 : 1);
  if (!Number.isFinite(seconds)) return "";
  return (
    `It may take ${rough(seconds)} on two quiet processor cores, less on a graphics card. It ends ` +
    "earlier when nothing more is learnt."
  );
}

function rough(seconds) {
  if (seconds < 60) return "a minute";
  if (seconds < 3600) return `about ${format.counted(Math.round(seconds / 60), "minute")}`;
  if (seconds < 86_400) return `about ${format.counted(Math.round(seconds / 3600), "hour")}`;
  return `about ${format.counted(Math.round(seconds / 86_400), "day")}`;
}

// What a training has left: its sheet, its card, and the way to paint in its styles.
async function learnt(job, items) {
  const cardFile = items.find((item) => item.name.endsWith(".md"));
  const [text, styles] = await Promise.all([cardFile ? fileText(cardFile) : "", get("/styles")]);
  const { node, names } = card(text);
  const mine = names.map((name) => styles.items.find((item) => item.part === name)).filter(Boolean);
  const use = (item) => {
    paint.change({ styles: [{ ...chosenStyle(item) }], method: null });
    go("paint");
  };
  const sheets = items.filter((item) => /-sheet\.\w+$/.test(item.name));
  const curves = items.filter((item) => /-curves\.\w+$/.test(item.name));
  return [
    mine.length
      ? h(
          "section",
          {},
          h("h2", {}, "Paint in it"),
          h(
            "div.chips.large",
            {},
            mine.map((item) =>
              h(
                "button.button",
                { type: "button", onclick: () => use(item) },
                icon("paint"),
                item.title,
              ),
            ),
          ),
        )
      : null,
    pictures(sheets, () => "Photographs in what was learnt"),
    h("section.card-text", {}, node),
    pictures(curves, () => "The losses over the training"),
  ];
}
