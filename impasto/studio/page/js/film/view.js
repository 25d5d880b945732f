// The view "Film": a film in the style of a painting, frame by frame and without flicker.

import { post } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { learn } from "../core/events.js";
import { FILMS } from "../core/files.js";
import { icon } from "../core/icons.js";
import { bind } from "../core/keys.js";
import { go } from "../core/router.js";
import { methodOf, optionsOf, schema } from "../core/schema.js";
import { drawer } from "../options/drawer.js";
import { field } from "../options/field.js";
import { offer } from "../paint/offer.js";
import { dials, percent, slider } from "../paint/dials.js";
import { styleGallery } from "../paint/styles.js";
import { optionIn, setter } from "../tasks/choices.js";
import { photographs } from "../tasks/photographs.js";
import { clipPanel } from "./clip.js";
import { paintedView } from "./painted.js";
import { clip, clips, film, requestOf } from "./state.js";
import { trialPanel } from "./trial.js";

const GROUP = "Film";
const DIALS = new Set(["strength", "stroke", "color", "size"]);
const ELSEWHERE = new Set(["region"]); // whose maps are drawn for single frames
const OWN = new Set(["start", "stop", "steady", "change"]); // of the film's options
const OF_PICTURES = new Set(["fps"]); // which a film's file says itself
const MOST_SIDE = 1280; // of a film whose size is not chosen, in pixels

/** Show the view, or how a film is painted. */
export function view({ root, rest, signal }) {
  if (rest[0]) return paintedView({ root, id: rest[0], signal });
  const column = h("div.column.task-view.film-view");
  const set = setter(film, "options");
  const file = photographs(clips, signal, column, { title: "Film", noun: "film", accept: FILMS });
  const part = clipPanel(set);
  const styles = styleGallery(signal, { state: film, takesTrained: true });
  const knobs = dials(set, (way) => film.change(way), {
    task: "film",
    noun: "film",
    sizes: [320, 480, 640, 960, 1280],
    adapt: ofClip,
  });
  const steady = slider("steady", set, { low: 0, high: 1, step: 0.05, say: percent });
  const change = field(named("change"), film.value.options.change, (value) => set("change", value));
  knobs.node.append(steady.node);
  styles.node.append(change);
  const more = drawer((name, value) => (name === "suffix" ? setOutput(value) : set(name, value)), "The film");
  const options = drawer(set);
  const trial = trialPanel(signal, (error) => show(error));
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const tryButton = h(
    "button.button.large",
    { type: "button", onclick: attempt, title: "Paint three frames (t)" },
    icon("photo"),
    h("span", {}, "Try"),
  );
  const button = h(
    "button.button.primary.large",
    { type: "button", onclick: start, title: "Paint the film (Ctrl+Enter)" },
    icon("film"),
    h("span", {}, "Paint the film"),
  );

  root.append(
    fill(
      column,
      h("h1", { tabindex: -1 }, "Film"),
      h(
        "p.quiet",
        {},
        "A film in the style of a painting, without flicker; its sound stays. Try it first: three " +
          "frames show how it will look, and how long it takes.",
      ),
      file.node,
      part.node,
      styles.node,
      h("section.dial-panel.in-columns", { "aria-label": "Dials" }, knobs.node),
      more.node,
      options.node,
      trial.node,
      h("div.go", {}, trouble, h("div.go-buttons", {}, tryButton, button)),
    ),
  );
  bind("Ctrl+Enter", "Paint the film", start, { signal, group: GROUP });
  bind("t", "Try three frames", attempt, { signal, group: GROUP });
  bind("o", "Choose a film", file.open, { signal, group: GROUP });

  // A film's own size is the usual one, as far as that is not large.
  function ofClip(option) {
    const upload = clip();
    if (option.name !== "size" || !upload) return option;
    return { ...option, default: Math.min(MOST_SIDE, Math.max(upload.width, upload.height)) };
  }

  function setOutput(suffix) {
    film.change({ output: suffix === undefined ? {} : { suffix } });
  }

  function refresh() {
    const { value } = film;
    const method = methodOf(value);
    part.show(clip(), value.options);
    knobs.show(value);
    steady.show(named("steady"), value.options.steady);
    if (!change.contains(document.activeElement)) change.show(value.options.change);
    change.hidden = value.styles.length < 2;
    more.show(filmOptions(), { ...value.options, ...value.output }, "film");
    options.show(
      optionsOf(method).filter((one) => !DIALS.has(one.name) && !ELSEWHERE.has(one.name)),
      value.options,
      method,
    );
    const isReady = clips.sources().length > 0 && value.styles.length > 0;
    for (const one of [button, tryButton])
      one.classList.toggle("is-waiting", !isReady || clips.isBusy());
    trial.show(requestOf(value));
    show(null);
  }

  // A refusal stands beside what it is about.
  function show(error) {
    for (const one of [part, knobs, more, options]) one.clear();
    for (const one of [styles, file, steady, change]) one.complain("");
    trouble.hidden = true;
    if (!error) return;
    const name = optionIn(error);
    const own = { style: styles, steady, change: change.hidden ? null : change }[name];
    if (own) {
      own.complain(error.message);
      return (own.node ?? own).scrollIntoView({ block: "nearest" });
    }
    const parts = [part, knobs, more, options];
    if (name && parts.some((one) => one.complain(name, error.message))) return;
    trouble.textContent = error.message;
    trouble.hidden = false;
  }

  function isReady() {
    let message = "";
    if (clips.isBusy()) message = "The film is still being sent.";
    else if (!clips.sources().length) message = "Choose a film.";
    else if (!film.value.styles.length) message = "Choose a style.";
    show(message ? { message } : null);
    return !message;
  }

  function attempt() {
    if (isReady()) trial.run(requestOf(film.value));
  }

  async function start() {
    if (!isReady() || button.disabled) return;
    button.disabled = true;
    try {
      const { jobs } = await post("/jobs", requestOf(film.value));
      learn(jobs);
      go(`film/${jobs[0].id}`);
    } catch (error) {
      show(error);
    } finally {
      button.disabled = false;
    }
  }

  clips.whenSent((sent) => sent.recipe && offer(sent, () => {}), signal);
  film.watch(refresh, signal);
  clips.items.watch(refresh, signal);
  refresh();
}

const named = (name) => schema.film.find((option) => option.name === name);

// The film's options, but those that have a place of their own; and what file it becomes.
function filmOptions() {
  const suffix = {
    name: "suffix",
    flag: "--out",
    title: "File",
    type: "string",
    default: schema.film_suffixes[0],
    panel: "The film",
    choices: schema.film_suffixes,
    low: null,
    high: null,
    help: "What kind of file it becomes. Browsers play .mp4 and .webm.",
  };
  const others = schema.film.filter(
    ({ name }) => !OWN.has(name) && !OF_PICTURES.has(name),
  );
  return [suffix, ...others];
}
