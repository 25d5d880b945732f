// The dials that matter: method or preset, strength, strokes, colours, size.

import { fill, h, uid } from "../core/dom.js";
import { complain, number } from "../options/field.js";
import { methodOf, optionOf, schema } from "../core/schema.js";
import { presetOf } from "./state.js";

/**
 * Make the dials. `set(name, value)` hears an option, `choose({preset, method})` the way of painting.
 * `show(value)` follows the choices; `complain(name, message)` returns whether the option has a dial.
 * `noun` is what is painted, and `adapt(option)` may change what is shown of an option, such as its default.
 */
export function dials(
  set,
  choose,
  {
    sizes = [384, 512, 768, 1024, 2048],
    task = "stylize",
    noun = "photograph",
    adapt = (option) => option,
  } = {},
) {
  const all = {
    strength: slider("strength", set, { low: 0, high: 1, step: 0.01, say: percent }),
    stroke: slider("stroke", set, {
      low: -2,
      high: 2,
      step: 0.05,
      say: times,
      to: (x) => Number((2 ** x).toFixed(2)),
      from: Math.log2,
    }),
    color: choices("color", set, {
      style: "Painting's",
      keep: `${noun[0].toUpperCase()}${noun.slice(1)}'s`,
      match: "Matched",
    }),
    size: sizeDial(set, sizes),
  };
  const way = wayOf(choose, task);
  const node = h(
    "div.dials",
    {},
    way.node,
    Object.values(all).map((dial) => dial.node),
  );
  return {
    node,
    show(value) {
      const method = methodOf(value);
      way.show(value);
      for (const [name, dial] of Object.entries(all)) {
        const option = optionOf(method, name);
        dial.node.hidden = !option;
        if (option) dial.show(adapt(option), value.options[name]);
      }
    },
    complain(name, message) {
      const dial = name === "method" || name === "preset" ? way : all[name];
      if (!dial || dial.node.hidden) return false;
      dial.complain(message);
      dial.node.scrollIntoView({ block: "nearest" });
      return true;
    },
    clear() {
      for (const dial of [way, ...Object.values(all)]) dial.complain("");
    },
  };
}

/** A share as a dial shows it. */
export const percent = (value) => `${Math.round(value * 100)} %`;
const times = (value) => `${value} ×`;

function frame(name, title, control, extra = null) {
  const trouble = h("p.trouble", { id: `${name}-trouble`, role: "alert", hidden: true });
  const label = h("label", { for: control.id }, title);
  const node = h(
    "div.dial",
    { dataset: { option: name } },
    h("div.dial-top", {}, label, extra),
    control,
    trouble,
  );
  return { node, label, complain: (message) => complain(node, control, trouble, message) };
}

/** A dial that is a slider; `show(option, value)` follows the choices. */
export function slider(name, set, { low, high, step, say, to = (x) => x, from = (x) => x }) {
  const id = uid(name);
  let option = null;
  const value = h("output", { for: id });
  const input = h("input", {
    id,
    type: "range",
    min: low,
    max: high,
    step,
    oninput: () => {
      const next = to(Number(input.value));
      tell(next);
      made.complain("");
      set(name, next === option?.default ? undefined : next);
    },
  });
  const tell = (next) => {
    value.textContent = say(next);
    input.setAttribute("aria-valuetext", say(next));
    input.style.setProperty("--at", `${((from(next) - low) / (high - low)) * 100}%`);
  };
  const made = frame(name, name, input, value);
  return {
    ...made,
    show(described, now) {
      option = described;
      made.label.textContent = described.title;
      made.node.title = described.help;
      const next = Number(now ?? described.default);
      if (!Number.isFinite(next)) return void (value.textContent = String(now));
      if (document.activeElement !== input || to(Number(input.value)) !== next)
        input.value = from(next);
      tell(next);
    },
  };
}

function choices(name, set, titles) {
  const group = uid(name);
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const legend = h("legend", {}, name);
  const row = h("div.segments");
  const node = h("fieldset.dial", { dataset: { option: name } }, legend, row, trouble);
  let shown = "";
  return {
    node,
    complain: (message) => complain(node, row, trouble, message),
    show(option, now) {
      legend.textContent = option.title;
      node.title = option.help;
      if (shown !== option.choices.join()) {
        shown = option.choices.join();
        fill(
          row,
          option.choices.map((choice) =>
            segment(group, choice, titles[choice] ?? choice, () =>
              set(name, choice === option.default ? undefined : choice),
            ),
          ),
        );
      }
      for (const input of row.querySelectorAll("input")) {
        input.checked = input.value === String(now ?? option.default);
      }
    },
  };
}

/** One of several choices of which one holds. */
export function segment(group, value, title, choose, about = "") {
  const input = h("input", { type: "radio", name: group, value, onchange: choose });
  return h("label.segment", { title: about }, input, h("span", {}, title));
}

function sizeDial(set, sizes) {
  const id = uid("size");
  let option = null;
  const input = h("input", {
    id,
    type: "text",
    spellcheck: "false",
    inputmode: "text",
    onchange: () => put(number(input.value, option)),
  });
  const put = (value) => {
    made.complain("");
    set("size", value);
  };
  const quick = h(
    "div.chips",
    {},
    sizes.map((size) =>
      h(
        "button.chip",
        {
          type: "button",
          onclick: () => {
            input.value = size;
            put(size === option.default ? undefined : size);
          },
        },
        size,
      ),
    ),
  );
  const made = frame("size", "Size", input);
  made.node.append(quick);
  return {
    ...made,
    show(described, now) {
      option = described;
      made.label.textContent = described.title;
      made.node.title = described.help;
      const value = now ?? described.default;
      if (document.activeElement !== input) input.value = value;
      for (const chip of quick.children) {
        chip.setAttribute("aria-pressed", String(chip.textContent === String(value)));
      }
    },
  };
}

// The presets, and behind "Method" all methods of the task.
function wayOf(choose, task) {
  const group = uid("way");
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const about = h("p.help");
  const names = schema.tasks[task];
  const select = h(
    "select",
    { "aria-label": "Method", onchange: () => choose({ method: select.value, preset: null }) },
    names.map((name) => h("option", { value: name }, name)),
  );
  const own = segment(group, "", "Method", () => choose({ method: select.value, preset: null }));
  const row = h(
    "div.segments",
    {},
    Object.entries(schema.presets).map(([name, preset]) =>
      segment(
        group,
        name,
        name[0].toUpperCase() + name.slice(1),
        () => choose({ preset: name, method: null }),
        preset.help,
      ),
    ),
    own,
  );
  const node = h(
    "fieldset.dial",
    { dataset: { option: "method" } },
    h("legend", {}, "Quality"),
    row,
    select,
    about,
    trouble,
  );
  return {
    node,
    complain: (message) => complain(node, row, trouble, message),
    show(value) {
      const preset = presetOf(value);
      for (const input of row.querySelectorAll("input"))
        input.checked = input.value === (preset ?? "");
      select.hidden = preset !== null;
      select.value = methodOf(value);
      if (preset !== null && methodOf(value) === "fast") {
        about.textContent = "A trained style is painted at once, by the method fast.";
      } else
        about.textContent =
          preset === null
            ? schema.methods[value.method].help.replaceAll("`", "")
            : `${preset[0].toUpperCase()}${preset.slice(1)} ${schema.presets[preset].help}.`;
    },
  };
}
