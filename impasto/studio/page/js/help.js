// The overlay of "?": which keys there are now, and what can be done.

import { dialog } from "./core/dialog.js";
import { h } from "./core/dom.js";
import { list } from "./core/keys.js";

const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

/** Show the list of keys that mean something in this view. */
export function showHelp() {
  const groups = Map.groupBy(list(), (row) => row.group);
  const parts = [...groups].reverse().map(([group, rows]) =>
    h(
      "section",
      {},
      h("h3", {}, group),
      h(
        "dl.keys",
        {},
        rows.map((row) => h("div", {}, h("dt", {}, caps(row.key)), h("dd", {}, row.label))),
      ),
    ),
  );
  dialog(
    "Keys",
    [
      h(
        "p",
        {},
        "Drop or paste photographs anywhere. A picture that Impasto painted brings its " +
          "settings along: they are shown, and taken only if you say so.",
      ),
      h("div.key-groups", {}, parts),
    ],
    [],
    { wide: true },
  );
}

function caps(key) {
  return key
    .split(" ")
    .map((chord, n) => [
      n ? " then " : "",
      chord.split(/\+(?=.)/).map((part, m) => [m ? " + " : "", h("kbd", {}, NAMES[part] ?? part)]),
    ]);
}
