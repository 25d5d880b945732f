// What is said in passing: a line at the bottom, read aloud, sometimes with a way back.

import { h } from "./dom.js";
import { icon } from "./icons.js";

let polite = null;
let shelf = null;

/** Make the place of notices and the live region. */
export function prepare(body) {
  polite = h("div.unseen", { role: "status", "aria-live": "polite" });
  shelf = h("div.notices", { role: "region", "aria-label": "Notices" });
  body.append(polite, shelf);
}

/** Have a screen reader say something, without showing it. */
export function say(text) {
  polite.textContent = "";
  requestAnimationFrame(() => {
    polite.textContent = text;
  });
}

/**
 * Show a notice; `action` is {label, run}. An error stays until it is closed.
 * Returns a function that takes the notice away.
 */
export function notice(text, { action = null, kind = "", seconds = 7 } = {}) {
  const close = () => box.remove();
  const act = async () => {
    close();
    await action.run();
  };
  const box = h(
    "div.notice",
    { class: kind },
    h("p", {}, text),
    action && h("button.link", { type: "button", onclick: act }, action.label),
    h(
      "button.bare",
      { type: "button", "aria-label": "Close this notice", onclick: close },
      icon("cancel"),
    ),
  );
  shelf.append(box);
  while (shelf.children.length > 4) shelf.firstElementChild.remove();
  say(text);
  if (kind !== "error") {
    // Time stands still while somebody is at it.
    let left = seconds;
    const tick = setInterval(() => {
      if (!box.isConnected) clearInterval(tick);
      else if (!box.matches(":hover, :focus-within") && (left -= 1) <= 0) close();
    }, 1000);
  }
  return close;
}

/** Show that something failed, in the studio's own words. */
export const complain = (error) => {
  if (error.name !== "AbortError") notice(error.message, { kind: "error" });
};
