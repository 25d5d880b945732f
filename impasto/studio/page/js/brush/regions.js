// What happens in each colour of a map: a style, a strength, kept pixels, colours of its own.

import { fill, h } from "../core/dom.js";

/**
 * Make the list of regions. `styles()` are those there are; `change(regions)` hears what is set.
 * `show(map, regions)` follows the map.
 */
export function regionList(styles, change) {
  const hint = h(
    "p.quiet",
    {},
    "Paint over a part of the photograph. Then say here what happens in it.",
  );
  const soft = h("span"); // the brush puts its switch here
  const list = h("ul.regions");
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const node = h(
    "section.region-panel",
    { "aria-label": "Regions", dataset: { option: "region" } },
    h("div.panel-top", {}, h("h2", {}, "Regions"), soft),
    hint,
    list,
    trouble,
  );
  let regions = {};

  const put = (colour, parts) => {
    regions = { ...regions, [colour]: { ...regions[colour], ...parts } };
    change(regions);
  };

  function row(colour) {
    const what = regions[colour] ?? {};
    const chosen = what.keep ? "=keep" : (what.style?.id ?? "");
    const strength = h("input", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.05,
      value: what.strength ?? 0.5,
      disabled: what.strength === undefined || what.strength === null,
      "aria-label": `Strength in ${colour}`,
      oninput: () => {
        amount.textContent = `${Math.round(strength.value * 100)} %`;
        put(colour, { strength: Number(strength.value) });
      },
    });
    const amount = h(
      "output",
      {},
      strength.disabled ? "as elsewhere" : `${Math.round(strength.value * 100)} %`,
    );
    const own = h("input", {
      type: "checkbox",
      checked: !strength.disabled,
      onchange: () => {
        strength.disabled = !own.checked;
        amount.textContent = own.checked ? `${Math.round(strength.value * 100)} %` : "as elsewhere";
        put(colour, { strength: own.checked ? Number(strength.value) : null });
      },
    });
    const more = h(
      "div.region-more",
      { hidden: Boolean(what.keep) },
      h("label.inline", {}, own, "Strength"),
      strength,
      amount,
      h(
        "label.inline",
        {},
        "Colours",
        h(
          "select",
          {
            "aria-label": `Colours in ${colour}`,
            onchange: (e) => put(colour, { color: e.target.value }),
          },
          [
            ["", "as elsewhere"],
            ["style", "the painting's"],
            ["keep", "the photograph's"],
            ["match", "matched"],
          ].map(([value, text]) =>
            h("option", { value, selected: value === (what.color ?? "") }, text),
          ),
        ),
      ),
    );
    const select = h(
      "select",
      {
        "aria-label": `What happens in ${colour}`,
        onchange: () => {
          const found = styles().find((style) => style.id === select.value);
          more.hidden = select.value === "=keep";
          put(colour, {
            keep: select.value === "=keep",
            style: found ? { id: found.id, upload: found.upload ?? null } : null,
          });
        },
      },
      h("option", { value: "" }, "The style of the whole picture"),
      h("option", { value: "=keep", selected: chosen === "=keep" }, "Keep the photograph"),
      styles().map((style) =>
        h("option", { value: style.id, selected: style.id === chosen }, style.title),
      ),
    );
    return h(
      "li",
      { dataset: { colour } },
      h("span.swatch", { style: { "--swatch": colour }, title: colour }),
      select,
      more,
    );
  }

  let shown = "";
  return {
    node,
    soft,
    show(map, now) {
      const isOwn = now === regions; // its own controls show what was set by them
      regions = now;
      const used = map ? map.used().filter((colour) => colour !== "#ffffff") : [];
      hint.hidden = used.length > 0;
      const key = used.join() + styles().length;
      if (isOwn && key === shown) return;
      shown = key;
      fill(list, used.map(row));
    },
    complain(message) {
      trouble.textContent = message;
      trouble.hidden = !message;
    },
  };
}
