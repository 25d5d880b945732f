// One picture, or two: zoom to 100 % and pan, compared by a slider or side by side.

import { fill, h } from "../core/dom.js";
import { icon } from "../core/icons.js";
import { Viewport, gestures, place } from "../brush/viewport.js";

/**
 * Make a viewer of a picture: {view, file, width, height, name, title}.
 * `compare(mode, other)`: mode is "", "slider" or "side"; `other` is {view, name}.
 */
export function viewer(picture, signal) {
  const viewport = new Viewport(picture.width, picture.height);
  const title = picture.title || picture.name;
  const percent = h("output.zoom-value");
  const panes = h("div.panes");
  const slider = h("input.compare-slider", {
    type: "range",
    min: 0,
    max: 100,
    step: 0.5,
    value: 50,
    "aria-label": "Where the pictures meet",
    oninput: () => cut(),
  });
  const handle = h("span.compare-line", { "aria-hidden": "true" }, icon("compare"));
  const tool = (name, text, run) =>
    h("button.tool", { type: "button", "aria-label": text, title: text, onclick: run }, icon(name));
  const hundred = h(
    "button.tool.text",
    { type: "button", title: "100 % (1)", onclick: full },
    "100 %",
  );
  const tools = h("div.zoom-tools", {}, tool("fit", "Show all (0)", fit), hundred, percent);
  const node = h("div.viewer", {}, panes);
  let mode = "";
  let images = [];

  function layer(source, name) {
    const image = h("img", { src: source, alt: name, draggable: "false" });
    images.push(image);
    return h("div.layer", {}, image);
  }

  function pane(...layers) {
    const one = h("div.pane", {}, layers);
    gestures(one, viewport, apply);
    one.addEventListener("dblclick", (event) => {
      if (viewport.isFitted) full(place(event, one));
      else fit();
    });
    return one;
  }

  function compare(next, other) {
    mode = other ? next : "";
    images = [];
    node.dataset.mode = mode;
    const own = layer(picture.view, title);
    if (mode === "side") {
      fill(panes, pane(layer(other.view, other.name), label(other.name)), pane(own, label(title)));
    } else if (mode === "slider") {
      const over = layer(other.view, other.name);
      over.classList.add("over");
      fill(panes, pane(own, over, handle), slider);
    } else fill(panes, pane(own));
    measure();
    fit();
    cut();
  }

  const label = (text) => h("span.pane-label", {}, text);

  function cut() {
    node.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${Math.round(slider.value)} %`);
  }

  function measure() {
    const first = panes.querySelector(".pane");
    viewport.frame = { width: first.clientWidth || 1, height: first.clientHeight || 1 };
  }

  function apply() {
    for (const image of images) {
      image.style.setProperty("width", `${viewport.width}px`);
      image.style.setProperty("height", `${viewport.height}px`);
      image.style.setProperty(
        "transform",
        `translate(${viewport.x}px, ${viewport.y}px) scale(${viewport.scale})`,
      );
    }
    const real = viewport.scale * (window.devicePixelRatio || 1);
    percent.textContent = `${Math.round(real * 100)} %`;
    node.classList.toggle("is-close", real >= 2);
    hundred.setAttribute("aria-pressed", String(Math.abs(real - 1) < 0.005));
    sharpen(real);
  }

  // The view has 2048 pixels at most; closer than that only the file itself is sharp.
  function sharpen(real) {
    const own = mode === "side" ? images.at(-1) : images[0];
    if (real * Math.max(picture.width, picture.height) <= 2048 || own.dataset.isFile) return;
    if (!/\.(png|jpe?g|webp|avif)$/i.test(picture.name)) return;
    own.dataset.isFile = "yes";
    const file = new Image();
    file.onload = () => {
      own.src = file.src;
    };
    file.src = picture.file;
  }

  function fit() {
    viewport.fit(0, 4);
    apply();
  }

  function full(point) {
    const at = point && "x" in point ? point : undefined;
    viewport.zoom(1 / (window.devicePixelRatio || 1) / viewport.scale, at);
    apply();
  }

  const observer = new ResizeObserver(() => {
    measure();
    if (viewport.isFitted) fit();
    else apply();
  });
  observer.observe(panes);
  signal.addEventListener("abort", () => observer.disconnect());
  compare("", null);
  return {
    node,
    tools,
    compare,
    fit,
    full,
    mode: () => mode,
    zoom(factor) {
      viewport.zoom(factor);
      apply();
    },
    pan(x, y) {
      viewport.pan(x, y);
      apply();
    },
  };
}
