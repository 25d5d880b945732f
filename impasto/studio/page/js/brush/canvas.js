// The canvas of the brush: the picture, the map over it, and the brush's own round.

import { h } from "../core/dom.js";
import { Viewport, gestures } from "./viewport.js";

/**
 * Make a canvas for a LabelMap, over a picture (an address) or on white paper.
 * `draw` hears pointers in the map's coordinates: down, move, up, cancel.
 */
export class BrushCanvas {
  constructor(map, picture, draw, signal) {
    this.canvas = h("canvas.brush-canvas", {
      tabindex: 0,
      role: "application",
      "aria-label": "Map. Arrow keys move the brush, Space paints, Shift makes larger steps.",
    });
    this.context = this.canvas.getContext("2d");
    this.sheet = new OffscreenCanvas(map.width, map.height);
    this.viewport = new Viewport(map.width, map.height);
    this.cursor = null; // the brush, in the map's coordinates
    this.isPanning = false;
    this.radius = 20;
    this.feather = 0;
    this.opacity = 0.6;
    this.setMap(map);
    this.#load(picture);
    const inside = (at) => this.viewport.inside(at);
    gestures(this.canvas, this.viewport, () => this.paint(), {
      isPanning: () => this.isPanning,
      draw: {
        down: (at) => draw.down((this.cursor = inside(at))),
        move: (at) => draw.move((this.cursor = inside(at))),
        up: (at) => draw.up(inside(at)),
        cancel: () => draw.cancel(),
        hover: (at) => {
          this.cursor = at && inside(at);
          this.paint();
        },
      },
    });
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(this.canvas);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  setMap(map) {
    this.map = map;
    this.redraw(map.box(0, 0, map.width, map.height));
  }

  /** Take over a rectangle of the map that was changed. */
  redraw(box) {
    if (box?.width && box.height) {
      const ground = this.photo || this.hasPhoto ? 0 : 255;
      this.sheet.getContext("2d").putImageData(this.map.pixels(box, ground), box.x, box.y);
    }
    this.paint();
  }

  #load(picture) {
    this.hasPhoto = Boolean(picture);
    if (!picture) return this.redraw(this.map.box(0, 0, this.map.width, this.map.height));
    const image = new Image();
    image.onload = () => {
      this.photo = image;
      this.redraw(this.map.box(0, 0, this.map.width, this.map.height));
    };
    image.src = picture;
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.ratio = ratio;
    this.viewport.frame = { width, height };
    if (this.viewport.isFitted) this.viewport.fit(8);
    this.paint();
  }

  /** Draw all at the next frame. */
  paint() {
    if (this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.#paintNow();
    });
  }

  #paintNow() {
    const { context: c, viewport: v } = this;
    const wide = v.width * v.scale;
    const high = v.height * v.scale;
    c.setTransform(this.ratio ?? 1, 0, 0, this.ratio ?? 1, 0, 0);
    c.clearRect(0, 0, v.frame.width, v.frame.height);
    c.save();
    c.beginPath();
    c.rect(v.x, v.y, wide, high);
    c.clip();
    c.fillStyle = "#ffffff";
    c.fillRect(v.x, v.y, wide, high);
    if (this.photo) c.drawImage(this.photo, v.x, v.y, wide, high);
    c.imageSmoothingEnabled = v.scale < 1;
    c.globalAlpha = this.hasPhoto ? this.opacity : 1;
    if (this.feather > 0) c.filter = `blur(${(this.feather * Math.max(wide, high)) / 2}px)`;
    c.drawImage(this.sheet, v.x, v.y, wide, high);
    c.restore();
    if (this.cursor) this.#round(c, v);
  }

  #round(c, v) {
    for (const [colour, width] of [
      ["#000000", 3],
      ["#ffffff", 1.5],
    ]) {
      c.beginPath();
      c.arc(
        v.x + this.cursor.x * v.scale,
        v.y + this.cursor.y * v.scale,
        Math.max(2, this.radius * v.scale),
        0,
        2 * Math.PI,
      );
      c.strokeStyle = colour;
      c.lineWidth = width;
      c.stroke();
    }
  }
}
