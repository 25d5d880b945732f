// The view "Paint": a photograph, a style, the dials, and the button.

import { post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { learn } from "../core/events.js";
import { counted } from "../core/format.js";
import { icon } from "../core/icons.js";
import { bind } from "../core/keys.js";
import { say } from "../core/notices.js";
import { methodOf, optionsOf } from "../core/schema.js";
import { drawer } from "../options/drawer.js";
import { outputDrawer } from "../options/output.js";
import { dials } from "./dials.js";
import { forecast } from "./forecast.js";
import { currentJobs } from "./current.js";
import { regionsOf } from "./region.js";
import { missing, requestOf, wholeRequest } from "./request.js";
import { stage } from "./stage.js";
import { paint, regionMap, setOption, setOutput } from "./state.js";
import { styleGallery } from "./styles.js";

const GROUP = "Paint";
const DIALS = new Set(["strength", "stroke", "color", "size"]);
const ELSEWHERE = new Set(["region"]); // which the brush makes

/** Show the view. */
export function view({ root, signal }) {
  const styles = styleGallery(signal, { takesTrained: true });
  const knobs = dials(setOption, (way) => paint.change(way));
  const options = drawer(setOption);
  const output = outputDrawer(setOutput);
  const regions = regionsOf(styles, signal);
  const place = stage(signal, regions);
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const before = forecast(signal, (error) => show(error, { quietly: true }));
  const button = h(
    "button.button.primary.large",
    { type: "button", onclick: start, title: "Paint (Ctrl+Enter)" },
    icon("paint"),
    h("span", {}, "Paint"),
  );
  const current = currentJobs(signal);

  root.append(
    h(
      "div.paint-view",
      {},
      h(
        "div.stage-column",
        {},
        h("h1.unseen", { tabindex: -1 }, "Paint"),
        place.node,
        current.node,
      ),
      h(
        "div.side",
        {},
        styles.node,
        regions.node,
        h("section.dial-panel", { "aria-label": "Dials" }, knobs.node),
        options.node,
        output.node,
        h("div.go", {}, trouble, before.node, button),
      ),
    ),
  );

  bind("Ctrl+Enter", "Paint", start, { signal, group: GROUP });
  bind("o", "Choose photographs", place.open, { signal, group: GROUP });
  bind("r", "Draw regions, or leave them", regions.toggle, { signal, group: GROUP });
  bind("c", "Hold to see the photograph", () => place.compare(true), {
    signal,
    group: GROUP,
    up: () => place.compare(false),
  });
  bind("l", "Live look on or off", place.toggleLook, { signal, group: GROUP });
  bind("Escape", "Leave what is open", () => regions.leave(), { signal, group: GROUP });

  function refresh() {
    const { value } = paint;
    const method = methodOf(value);
    knobs.show(value);
    options.show(
      optionsOf(method).filter((o) => !DIALS.has(o.name) && !ELSEWHERE.has(o.name)),
      value.options,
      method,
    );
    output.show(value.output);
    regions.show();
    place.show(value);
    const lacks = missing(value);
    button.classList.toggle("is-waiting", Boolean(lacks));
    fill(
      button.lastChild,
      value.contents.length > 1 ? `Paint ${counted(value.contents.length, "picture")}` : "Paint",
    );
    before.ask(lacks ? null : requestOf(value));
    if (!lacks) show(null);
  }

  // A refusal stands beside the option that it is about.
  function show(error, { quietly = false } = {}) {
    for (const part of [knobs, options, output]) part.clear();
    for (const part of [styles, regions]) part.complain("");
    trouble.hidden = true;
    if (!error) return;
    const name = error.option?.replace(/^--/, "").replaceAll("-", "_");
    const inPlace =
      name &&
      (knobs.complain(name, error.message) ||
        (!quietly &&
          (options.complain(name, error.message) || output.complain(name, error.message))) ||
        (name === "style" && (styles.complain(error.message), true)) ||
        (name === "region" && (regions.complain(error.message), true)));
    trouble.textContent = error.message;
    trouble.hidden = Boolean(inPlace);
  }

  async function start() {
    const lacks = missing(paint.value);
    if (lacks) {
      trouble.textContent = lacks;
      trouble.hidden = false;
      return;
    }
    if (button.disabled) return;
    button.disabled = true;
    try {
      const { jobs } = await post("/jobs", await wholeRequest(paint.value, regions.map()));
      show(null);
      learn(jobs);
      current.follow(jobs);
      say(`${counted(jobs.length, "picture")} in the queue.`);
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  }

  paint.watch(refresh, signal);
  regionMap.watch(refresh, signal);
  refresh();
}
