// The film that is painted: one of its frames, and the part of it that is asked for.

import { fill, h, uid } from "../core/dom.js";
import { clock, counted, secondsOf } from "../core/format.js";
import { complain as mark } from "../options/field.js";

const SIDE = 960; // of the frame that is shown, in pixels

/**
 * Make the panel. `show(upload, options)` renews it; `set(name, seconds)` hears `start` and `stop`.
 * `complain(name, message)` returns whether the option is here.
 */
export function clipPanel(set) {
  const frame = frameView();
  const rows = { start: cutRow("start", "From"), stop: cutRow("stop", "To") };
  const sum = h("p.quiet", { role: "status" });
  const node = h(
    "section.clip",
    { "aria-label": "The part to paint" },
    frame.node,
    h(
      "div.clip-part",
      {},
      h("h2", {}, "The part to paint"),
      rows.start.node,
      rows.stop.node,
      sum,
    ),
  );
  let upload = null;

  const each = () => upload.film.seconds / upload.film.frames;
  const last = () => Math.max(0, upload.film.seconds - each());

  function cutRow(name, title) {
    const id = uid(name);
    const trouble = h("p.trouble", { id: `${id}-trouble`, role: "alert", hidden: true });
    const time = h("input.time", {
      id,
      type: "text",
      inputmode: "decimal",
      spellcheck: "false",
      "aria-describedby": `${id}-trouble`,
      onchange: () => typed(time.value),
    });
    const slider = h("input", {
      type: "range",
      min: 0,
      "aria-label": `${title}, by a slider`,
      oninput: () => moved(Number(slider.value)),
    });
    const node = h(
      "div.cut",
      { dataset: { option: name } },
      h("label", { for: id }, title),
      slider,
      time,
      trouble,
    );
    const put = (value) => {
      mark(node, time, trouble, "");
      const whole = name === "start" ? 0 : upload.film.seconds;
      set(name, value === whole ? undefined : value);
      frame.show(shownAt(name, value));
    };

    function typed(text) {
      const value = text.trim() === "" ? undefined : secondsOf(text);
      put(value === null ? text.trim() : value); // what is no time the studio refuses
    }

    function moved(value) {
      const { seconds } = upload.film;
      put(value >= seconds - each() / 2 && name === "stop" ? seconds : Number(value.toFixed(3)));
    }

    return {
      node,
      complain: (message) => mark(node, time, trouble, message),
      show(value, whole) {
        const seconds = typeof value === "number" ? value : whole;
        slider.max = whole === 0 ? last() : upload.film.seconds;
        slider.step = each();
        if (document.activeElement !== slider) slider.value = seconds;
        slider.style.setProperty("--at", `${(100 * seconds) / Number(slider.max || 1)}%`);
        slider.setAttribute("aria-valuetext", clock(seconds));
        if (document.activeElement !== time)
          time.value = typeof value === "string" ? value : clock(seconds);
      },
    };
  }

  // The last frame that is painted is the one before the end.
  function shownAt(name, value) {
    if (typeof value !== "number") return name === "start" ? 0 : last();
    return name === "start" ? value : Math.max(0, value - each());
  }

  function said({ start = 0, stop = upload.film.seconds }) {
    const seconds = stop - start;
    if (!(seconds > 0)) return "";
    const count = Math.round(seconds / each());
    const length = seconds < 60 ? `${Number(seconds.toFixed(2))} s` : clock(seconds);
    const facts = [length, counted(count, "frame")];
    if (upload.film.rate) facts.push(`${Number(upload.film.rate.toFixed(2))} a second`);
    facts.push(upload.film.has_sound ? "with sound" : "without sound");
    return facts.join(", ");
  }

  return {
    node,
    show(next, options) {
      node.hidden = !next;
      if (!next) return;
      if (next.id !== upload?.id) frame.begin(next);
      upload = next;
      rows.start.show(options.start, 0);
      rows.stop.show(options.stop, upload.film.seconds);
      sum.textContent = said(options);
    },
    complain(name, message) {
      if (!rows[name] || node.hidden) return false;
      rows[name].complain(message);
      node.scrollIntoView({ block: "nearest" });
      return true;
    },
    clear() {
      for (const row of Object.values(rows)) row.complain("");
    },
  };
}

/** The address of a frame. */
export const frameAt = (id, seconds, size = SIDE) =>
  `/api/v1/uploads/${id}/frame?seconds=${Math.max(0, seconds).toFixed(3)}&size=${size}`;

// One frame is fetched at a time; of those that are asked for meanwhile only the last is.
function frameView() {
  const image = h("img", { alt: "" });
  const at = h("figcaption", { "aria-live": "polite" });
  const node = h("figure.clip-frame", {}, image, at);
  let id = null;
  let wanted = null;
  let isLoading = false;

  function next() {
    if (isLoading || wanted === null) return;
    const seconds = wanted;
    const mine = id;
    wanted = null;
    isLoading = true;
    const loader = new Image();
    const over = (isThere) => {
      isLoading = false;
      if (isThere && mine === id) {
        image.src = loader.src;
        image.alt = `The film at ${clock(seconds)}`;
        fill(at, clock(seconds));
      }
      next();
    };
    loader.onload = () => over(true);
    loader.onerror = () => over(false);
    loader.src = frameAt(id, seconds);
  }

  return {
    node,
    begin(upload) {
      id = upload.id;
      wanted = null;
      image.src = upload.view;
      image.alt = "A frame of the film";
      image.width = upload.width;
      image.height = upload.height;
      fill(at);
    },
    show(seconds) {
      wanted = seconds;
      next();
    },
  };
}
