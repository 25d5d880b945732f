// The start: who is there, what can be painted, and the frame around the views.

import { get, whenSignedOut } from "./core/api.js";
import { fill, h } from "./core/dom.js";
import * as events from "./core/events.js";
import * as keys from "./core/keys.js";
import * as notices from "./core/notices.js";
import * as theme from "./core/theme.js";
import { load } from "./core/schema.js";
import { showFrame } from "./frame.js";
import { showSignIn } from "./signin.js";

theme.start();
keys.start();
const body = h("div.page");
document.body.append(body);
notices.prepare(document.body);

async function begin() {
  try {
    const about = await get("/about");
    if (about.is_closed && !about.user) return signIn();
    await load();
    events.listen();
    showFrame(body, about);
  } catch (error) {
    if (error.status !== 401) showTrouble(error);
  }
}

function signIn() {
  events.hush();
  showSignIn(body, () => location.reload());
}

function showTrouble(error) {
  const again = h("button.button.primary", { type: "button", onclick: begin }, "Try again");
  fill(
    body,
    h("main.alone", {}, h("h1", {}, "The studio is not there"), h("p", {}, error.message), again),
  );
}

whenSignedOut(signIn);
begin();
