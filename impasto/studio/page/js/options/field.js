// One option as a control: its words, bounds and choices are the schema's.

import { append, h, uid } from "../core/dom.js";
import { value as shown } from "../core/format.js";

/**
 * Make the control of an option.
 * `change(value)` hears what was set, undefined for the default. The node has `show(value)` and
 * `complain(message)`, which an empty message takes away.
 */
export function field(option, value, change) {
  const id = uid("option");
  const trouble = h("p.trouble", { id: `${id}-trouble`, role: "alert", hidden: true });
  const input = KINDS[kindOf(option)](option, id, (next) => {
    node.complain("");
    change(next);
  });
  input.node.setAttribute("aria-describedby", `${id}-help ${id}-trouble`);
  const label = h("label", { for: id }, option.title, h("code", {}, option.flag));
  const help = h(
    "p.help",
    { id: `${id}-help` },
    option.help,
    range(option),
    ` Default: ${shown(option.default)}.`,
  );
  const back = h(
    "button.link.back",
    {
      type: "button",
      hidden: true,
      "aria-label": `Default for ${option.title}`,
      onclick: () => {
        node.show(undefined);
        node.complain("");
        change(undefined);
      },
    },
    "Default",
  );
  const node = h(
    "div.field",
    { dataset: { option: option.name } },
    h("div.field-top", {}, label, back),
    input.node,
    help,
    trouble,
  );
  node.show = (next) => {
    input.show(next ?? option.default);
    back.hidden = next === undefined;
    node.classList.toggle("is-changed", next !== undefined);
  };
  node.complain = (message) => complain(node, input.node, trouble, message);
  node.show(value);
  return node;
}

/** Show a message beneath a field and mark its control; an empty one takes both away. */
export function complain(node, control, trouble, message) {
  trouble.textContent = message;
  trouble.hidden = !message;
  node.classList.toggle("is-wrong", Boolean(message));
  if (message) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function kindOf(option) {
  if (option.choices?.length) return "choice";
  if (option.type === "boolean") return "switch";
  if (option.type === "array") return "list";
  return option.type === "string" ? "text" : "number";
}

function range(option) {
  const { low, high } = option;
  if (option.choices?.length || (low ?? null) === null) return "";
  if ((high ?? null) === null || high >= 1e15) return ` ${low} or more.`;
  return ` ${low} to ${high}.`;
}

const KINDS = {
  choice(option, id, change) {
    const node = h(
      "select",
      {
        id,
        onchange: () => {
          const chosen = option.choices[node.selectedIndex];
          change(chosen === option.default ? undefined : chosen);
        },
      },
      option.choices.map((choice) => h("option", { value: String(choice) }, String(choice))),
    );
    return {
      node,
      show: (value) => {
        node.value = String(value);
      },
    };
  },
  switch(option, id, change) {
    const node = h("input.switch", {
      id,
      type: "checkbox",
      role: "switch",
      onchange: () => change(node.checked === option.default ? undefined : node.checked),
    });
    return {
      node,
      show: (value) => {
        node.checked = value;
      },
    };
  },
  list(option, id, change) {
    const node = h("input", {
      id,
      type: "text",
      spellcheck: "false",
      placeholder: option.metavar ?? "",
      onchange: () => {
        const items = node.value
          .split(/[,\n]/)
          .map((t) => t.trim())
          .filter(Boolean);
        change(items.length ? items : undefined);
      },
    });
    return {
      node,
      show: (value) => {
        node.value = (value ?? []).join(", ");
      },
    };
  },
  text(option, id, change) {
    const node = h("input", {
      id,
      type: "text",
      spellcheck: "false",
      onchange: () => change(node.value.trim() === "" ? undefined : node.value.trim()),
    });
    return {
      node,
      show: (value) => {
        node.value = value ?? "";
      },
    };
  },
  // A text field: numbers may also be written as 70% or 4k, and the studio says what it refuses.
  number(option, id, change) {
    const node = h("input", {
      id,
      type: "text",
      spellcheck: "false",
      inputmode: option.pattern ? "text" : "decimal",
      onchange: () => change(number(node.value, option)),
    });
    return {
      node,
      show: (value) => {
        node.value = value ?? "";
      },
    };
  },
};

/** Return what a text means: a number if it is one, the text itself for the studio to judge. */
export function number(text, option) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const value = Number(trimmed);
  if (!Number.isFinite(value)) return trimmed;
  return value === option.default ? undefined : value;
}

/** Put a set of fields under the headings of their panels. */
export function grouped(options, make) {
  // The network is what one changes least.
  const ranked = [...options].sort((a, b) => (a.panel === "Network") - (b.panel === "Network"));
  const panels = Map.groupBy(ranked, (option) => option.panel);
  return [...panels].map(([panel, rows]) =>
    append(h("fieldset.panel", {}, h("legend", {}, panel)), rows.map(make)),
  );
}
