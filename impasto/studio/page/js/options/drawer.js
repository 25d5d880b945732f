// All options of a method, in a drawer: grouped by panel, with a search.

import { fill, h } from "../core/dom.js";
import { field, grouped } from "./field.js";

/**
 * Make a drawer. `show(options, values)` fills it; `change(name, value)` hears what is set.
 * `complain(name, message)` opens it at a field; false if it has no such field.
 */
export function drawer(change, title = "All options") {
  const count = h("span.count");
  const search = h("input.drawer-search", {
    type: "search",
    placeholder: "Find an option",
    "aria-label": "Find an option",
    oninput: sift,
  });
  const panels = h("div.panels");
  const none = h("p.quiet", { hidden: true }, "No option has these words.");
  const node = h(
    "details.drawer",
    {},
    h("summary", {}, h("span", {}, title), count),
    search,
    none,
    panels,
  );
  let fields = new Map();
  let key = "";

  function sift() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let any = false;
    for (const one of fields.values()) {
      const text = one.textContent.toLowerCase();
      one.hidden = !words.every((word) => text.includes(word));
      any ||= !one.hidden;
    }
    for (const panel of panels.children) {
      panel.hidden = ![...panel.querySelectorAll(".field")].some((one) => !one.hidden);
    }
    none.hidden = any;
  }

  return {
    node,
    show(options, values, name = "") {
      const now = name + options.map((o) => `${o.name}${o.panel}${o.default}`).join();
      if (now !== key) {
        key = now;
        fields = new Map();
        fill(
          panels,
          grouped(options, (option) => {
            const one = field(option, values[option.name], (value) => change(option.name, value));
            fields.set(option.name, one);
            return one;
          }),
        );
        sift();
      }
      for (const [option, one] of fields) {
        if (!one.contains(document.activeElement)) one.show(values[option]);
        else one.classList.toggle("is-changed", values[option] !== undefined);
      }
      const n = options.filter((option) => values[option.name] !== undefined).length;
      count.textContent = n ? `${n} changed` : "";
    },
    complain(option, message) {
      const one = fields.get(option);
      if (!one) return false;
      search.value = "";
      sift();
      node.open = true;
      one.complain(message);
      one.scrollIntoView({ block: "center" });
      one.querySelector("input, select")?.focus();
      return true;
    },
    clear() {
      for (const one of fields.values()) one.complain("");
    },
  };
}
