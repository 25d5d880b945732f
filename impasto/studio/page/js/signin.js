// The form for user and password, where the studio is closed.

import { post } from "./core/api.js";
import { fill, h } from "./core/dom.js";

/** Show the form; `begin` is called once somebody has signed in. */
export function showSignIn(body, begin) {
  if (body.querySelector(".signin")) return;
  const user = h("input", { id: "user", autocomplete: "username", required: true });
  const password = h("input", {
    id: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const enter = h("button.button.primary", { type: "submit" }, "Sign in");

  async function submit(event) {
    event.preventDefault();
    enter.disabled = true;
    try {
      await post("/session", { user: user.value, password: password.value });
      begin();
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
      password.select();
    } finally {
      enter.disabled = false;
    }
  }

  fill(
    body,
    h(
      "main.alone.signin",
      {},
      h("img.mark", { src: "icon.svg", alt: "", width: 56, height: 56 }),
      h("h1", {}, "Impasto"),
      h(
        "form",
        { onsubmit: submit },
        h("label", { for: "user" }, "Name"),
        user,
        h("label", { for: "password" }, "Password"),
        password,
        trouble,
        enter,
      ),
    ),
  );
  user.focus();
}
