// Three painted frames of a film, and what all of it takes, before it is painted.

import { trial } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import * as format from "../core/format.js";
import { icon } from "../core/icons.js";
import { frameAt } from "./clip.js";

/** Make the panel. `run(request)` paints the frames; `show(request)` says whether they are of it. */
export function trialPanel(signal, onerror) {
  const status = h("p", { role: "status" });
  const frames = h("ul.trial-frames", { "aria-label": "Painted frames" });
  const cancel = h(
    "button.button",
    { type: "button", hidden: true, onclick: () => life?.abort() },
    icon("cancel"),
    "Cancel",
  );
  const other = h("p.quiet", { hidden: true }, "Other settings are chosen since.");
  const node = h(
    "section.trial",
    { "aria-label": "Trial", hidden: true },
    h("div.panel-top", {}, h("h2", {}, "Trial"), cancel),
    status,
    other,
    frames,
  );
  let life = null;
  let key = "";
  signal.addEventListener("abort", () => life?.abort());

  async function run(request) {
    life?.abort();
    const mine = (life = new AbortController());
    key = JSON.stringify(request);
    node.hidden = cancel.hidden = false;
    other.hidden = true;
    frames.classList.add("is-old");
    const stop = counting((seconds) => {
      status.textContent = `Painting three frames… ${format.seconds(seconds)}`;
    });
    node.scrollIntoView({ block: "nearest" });
    try {
      const told = await trial(request, mine.signal);
      status.textContent = said(told);
      const { upload } = request.contents[0];
      fill(
        frames,
        told.pictures.map((picture) => tile(upload, picture, told)),
      );
      frames.classList.remove("is-old");
      node.scrollIntoView({ block: "nearest" });
    } catch (error) {
      if (mine !== life) return;
      status.textContent = "";
      node.hidden = !frames.children.length;
      if (error.name !== "AbortError") onerror(error);
    } finally {
      stop();
      if (mine === life) {
        cancel.hidden = true;
        life = null;
      }
    }
  }

  return {
    node,
    run,
    isBusy: () => life !== null,
    show(request) {
      other.hidden = node.hidden || life !== null || JSON.stringify(request) === key;
    },
  };
}

function counting(tell) {
  const began = Date.now();
  const tick = () => tell((Date.now() - began) / 1000);
  tick();
  const timer = setInterval(tick, 1000);
  return () => clearInterval(timer);
}

const said = ({ frames, width, height, seconds, bytes }) =>
  `${format.counted(frames, "frame")} of ${format.size(width, height)} pixels take about ` +
  `${format.seconds(seconds)}, and up to ${format.bytes(bytes)} of disc until they are joined.`;

// A press shows the frame as it was.
function tile(upload, { seconds, jpeg }, { width, height }) {
  const painted = `data:image/jpeg;base64,${jpeg}`;
  const at = format.clock(seconds);
  const image = h("img", { src: painted, alt: `Painted, at ${at}`, width, height });
  const button = h(
    "button.trial-frame",
    {
      type: "button",
      "aria-pressed": "false",
      "aria-label": `The frame at ${at} as it was`,
      title: "As it was",
      onclick: () => {
        const isBefore = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(isBefore));
        image.src = isBefore ? frameAt(upload, seconds) : painted;
        image.alt = `${isBefore ? "Before" : "Painted"}, at ${at}`;
      },
    },
    image,
  );
  return h("li", {}, button, h("span.quiet", {}, at));
}
