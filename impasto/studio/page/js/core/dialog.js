// Dialogs: the browser's own element holds the focus and closes by Esc.

import { h, uid } from "./dom.js";
import { icon } from "./icons.js";

/**
 * Show a dialog with a title and content; returns {node, close}.
 * `buttons` are [{label, run, kind}]; one whose `run` returns false leaves the dialog open.
 */
export function dialog(title, content, buttons = [], { wide = false, onclose = null } = {}) {
  const id = uid("dialog");
  const close = () => node.close();
  const made = buttons.map(({ label, run, kind = "" }) =>
    h(
      "button.button",
      {
        type: "button",
        class: kind,
        onclick: async () => {
          if ((await run?.()) !== false) close();
        },
      },
      label,
    ),
  );
  const node = h(
    "dialog",
    { class: wide ? "wide" : "", "aria-labelledby": id },
    h(
      "header",
      {},
      h("h2", { id }, title),
      h("button.bare", { type: "button", "aria-label": "Close", onclick: close }, icon("cancel")),
    ),
    h("div.dialog-body", {}, content),
    made.length ? h("footer", {}, made) : null,
  );
  node.addEventListener("click", (event) => {
    if (event.target === node) close(); // beside the dialog
  });
  node.addEventListener("close", () => {
    node.remove();
    onclose?.();
  });
  document.body.append(node);
  node.showModal();
  return { node, close };
}
