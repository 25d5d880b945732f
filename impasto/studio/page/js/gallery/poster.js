// A painted picture once more, larger.

import { post } from "../core/api.js";
import { dialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { learn } from "../core/events.js";
import { notice } from "../core/notices.js";
import { number } from "../options/field.js";
import { go } from "../core/router.js";
import { forecast } from "../paint/forecast.js";

/** Ask how large the poster is to be, say what it takes, and paint it. */
export function askPoster(picture) {
  const life = new AbortController();
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const before = forecast(life.signal, complain);
  const input = h("input", {
    id: "poster-size",
    type: "text",
    value: usual(picture),
    "aria-describedby": "poster-help",
    oninput: () => before.ask(request()),
  });

  function complain(error) {
    trouble.textContent = error?.message ?? "";
    trouble.hidden = !error;
    return false;
  }

  const request = () => ({
    ...picture.request,
    options: { ...picture.request.options, size: number(input.value, {}) ?? usual(picture) },
  });

  async function paint() {
    try {
      learn((await post("/jobs", request())).jobs);
      notice("The poster is in the queue.", { action: { label: "Queue", run: () => go("queue") } });
      return true;
    } catch (error) {
      return complain(error);
    }
  }

  dialog(
    "As a poster",
    h(
      "div.field",
      {},
      h("label", { for: "poster-size" }, "Long side"),
      input,
      h(
        "p.help",
        { id: "poster-help" },
        "Pixels, or a screen's name such as 4k. It is painted anew " +
          "with the same settings, so strokes stay as large as the picture.",
      ),
      before.node,
      trouble,
    ),
    [{ label: "Cancel" }, { label: "Paint it", kind: "primary", run: paint }],
    { onclose: () => life.abort() },
  );
  before.ask(request());
}

const usual = ({ width, height }) => Math.min(4096, 2 * Math.max(width, height));
