// A painted film, alone or beside the film that it was painted from: both run together.

import { fill, h } from "../core/dom.js";
import { clock } from "../core/format.js";
import { icon } from "../core/icons.js";

const APART = 0.08; // seconds by which two films may differ until one is set again

/**
 * Make a player of a picture that is a film: {file, view, name, title, seconds, request}.
 * `bar` holds its controls; `compare(mode, other)`: mode is "", "slider" or "side", `other` is
 * {file, name}. `onerror` hears that the browser cannot play what it is compared with.
 */
export function player(picture, signal, onerror = () => {}) {
  const title = picture.title || picture.name;
  const panes = h("div.panes");
  const slider = h("input.compare-slider", {
    type: "range",
    min: 0,
    max: 100,
    step: 0.5,
    value: 50,
    "aria-label": "Where the films meet",
    oninput: () => cut(),
  });
  const handle = h("span.compare-line", { "aria-hidden": "true" }, icon("compare"));
  const node = h("div.viewer.is-film", {}, panes);
  if (!isPlayed(picture.name)) return still(picture, node, panes);

  const film = h("video", {
    src: picture.file,
    poster: picture.view,
    preload: "metadata",
    loop: true,
    playsinline: true,
    "aria-label": title,
  });
  const begins = Number(picture.request?.options?.start) || 0;
  let mode = "";
  let other = null;

  const play = h("button.tool", { type: "button", onclick: toggle });
  const at = h("input", {
    type: "range",
    min: 0,
    max: picture.seconds || 1,
    step: 0.01,
    value: 0,
    "aria-label": "Where the film is",
    oninput: () => {
      film.currentTime = Number(at.value);
      tell();
    },
  });
  const time = h("output.film-time");
  const loop = h("button.tool", {
    type: "button",
    "aria-label": "Again and again",
    title: "Again and again",
    "aria-pressed": "true",
    onclick: () => {
      film.loop = !film.loop;
      loop.setAttribute("aria-pressed", String(film.loop));
    },
  });
  const sound = h("button.tool", {
    type: "button",
    onclick: () => {
      film.muted = !film.muted;
      tell();
    },
  });
  fill(loop, icon("loop"));
  const bar = h("div.film-bar", {}, play, at, time, loop, sound);

  function toggle() {
    if (film.paused) film.play().catch(() => {}); // a second press may come first
    else film.pause();
  }

  function tell() {
    const name = film.paused ? "Play" : "Pause";
    play.setAttribute("aria-label", name);
    play.title = `${name} (Space)`;
    if (play.dataset.shows !== name) fill(play, icon(film.paused ? "play" : "pause"));
    play.dataset.shows = name;
    const silent = film.muted ? "Sound on" : "Sound off";
    sound.setAttribute("aria-label", silent);
    sound.title = silent;
    if (sound.dataset.shows !== silent) fill(sound, icon(film.muted ? "silent" : "sound"));
    sound.dataset.shows = silent;
    const whole = Number.isFinite(film.duration) ? film.duration : picture.seconds;
    at.max = whole || 1;
    if (document.activeElement !== at || !film.paused) at.value = film.currentTime;
    at.style.setProperty("--at", `${(100 * film.currentTime) / (whole || 1)}%`);
    at.setAttribute("aria-valuetext", clock(Math.floor(film.currentTime)));
    time.textContent = `${clock(Math.floor(film.currentTime))} / ${clock(Math.round(whole ?? 0))}`;
    together();
  }

  // The other one follows: it is longer where only a part was painted.
  function together() {
    if (!other || other.readyState < 1) return;
    const wanted = begins + film.currentTime;
    if (Math.abs(other.currentTime - wanted) > (film.paused ? 0.01 : APART))
      other.currentTime = wanted;
    if (film.paused !== other.paused) {
      if (film.paused) other.pause();
      else other.play().catch(() => {});
    }
  }

  function compare(next, against) {
    const wasPlaying = !film.paused; // it pauses where it is put elsewhere in the page
    mode = against ? next : "";
    node.dataset.mode = mode;
    other?.pause();
    other = mode
      ? h("video", { src: against.file, preload: "auto", playsinline: true, muted: true })
      : null;
    if (other) {
      other.muted = true;
      other.setAttribute("aria-label", against.name);
      other.onloadedmetadata = together;
      other.onerror = () => {
        compare("", null);
        onerror();
      };
    }
    const own = layer(film);
    if (mode === "side")
      fill(panes, pane(layer(other), label(against.name)), pane(own, label(title)));
    else if (mode === "slider") {
      const over = layer(other);
      over.classList.add("over");
      fill(panes, pane(own, over, handle), slider);
    } else fill(panes, pane(own));
    cut();
    tell();
    if (wasPlaying) film.play().catch(() => {});
  }

  function cut() {
    node.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${Math.round(slider.value)} %`);
  }

  for (const kind of ["play", "pause", "timeupdate", "seeked", "loadedmetadata", "volumechange"])
    film.addEventListener(kind, tell);
  film.addEventListener("click", toggle);
  film.addEventListener("error", () => still(picture, node, panes, bar));
  signal.addEventListener("abort", () => {
    film.pause();
    other?.pause();
  });
  compare("", null);
  return { node, bar, compare, toggle, mode: () => mode, film };
}

const layer = (video) => h("div.layer", {}, video);
const pane = (...layers) => h("div.pane", {}, layers);
const label = (text) => h("span.pane-label", {}, text);

const isPlayed = (name) => !/\.(gif|webp|mkv)$/i.test(name);
const isAnimation = (name) => /\.(gif|webp)$/i.test(name);

// An animation is a picture to a browser; what it does not play is shown by one frame.
function still(picture, node, panes, bar = null) {
  const moves = isAnimation(picture.name);
  const image = h("img", {
    src: moves ? picture.file : picture.view,
    alt: picture.title || picture.name,
  });
  fill(panes, pane(layer(image)));
  const said = moves
    ? null
    : h("p.quiet", {}, "This browser does not play such a file: here is one of its frames. Download it.");
  const line = bar ?? h("div.film-bar");
  fill(line, said);
  line.hidden = moves;
  return { node, bar: line, compare: () => {}, toggle: () => {}, mode: () => "", film: null };
}
