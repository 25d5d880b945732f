// How long it will take and how much memory, said before it starts.

import { post } from "../core/api.js";
import { h, fill } from "../core/dom.js";
import * as format from "../core/format.js";

/**
 * Make the line of a forecast; `ask(request)` renews it, null clears it. `ask(request, 12)` says what
 * twelve such pictures take.
 * `onerror` hears what the studio refuses already now.
 */
export function forecast(signal, onerror = () => {}) {
  const node = h("p.forecast", { "aria-live": "polite" });
  let timer = 0;
  let request = null;
  let last = "";
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    request?.abort();
  });

  async function fetchIt(body, times) {
    request = new AbortController();
    try {
      const told = await post("/forecasts", body, { signal: request.signal });
      node.classList.toggle("is-much", told.fits === false);
      fill(node, ...lines(told, body.contents.length, times));
      onerror(null);
    } catch (error) {
      if (error.name === "AbortError") return;
      fill(node);
      onerror(error);
    }
  }

  return {
    node,
    ask(body, times = 1) {
      const key = JSON.stringify([body, times]);
      if (key === last) return;
      last = key;
      clearTimeout(timer);
      request?.abort();
      if (!body) return fill(node);
      timer = setTimeout(() => fetchIt(body, times), 300);
    },
  };
}

function lines(told, several, times) {
  const isTimed = told.seconds !== null && told.seconds !== undefined;
  const each = times > 1 ? `, ${format.seconds(told.seconds)} a picture` : "";
  const parts = [
    isTimed && `about ${format.seconds(told.seconds * times)}${each}`,
    told.bytes && `${format.bytes(told.bytes)} of memory`,
    told.width && `${format.size(told.width, told.height)} pixels`,
  ].filter(Boolean);
  const first = h("span", {}, parts.join(" · "), several > 1 ? ", each" : "");
  return told.message ? [first, h("span.note", {}, told.message)] : [first];
}
