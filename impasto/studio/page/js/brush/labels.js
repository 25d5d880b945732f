// A map of regions: one number for each pixel, so its colours are flat by construction.

/** The colours of the brush; white, the first, is what was not painted. */
export const PALETTE = [
  "#ffffff",
  "#d7263d",
  "#f4b400",
  "#1b998b",
  "#2e5cb8",
  "#8e3b9e",
  "#f46036",
  "#5c4033",
];

/** A picture of `width` × `height` labels, each an index of `palette` (`#rrggbb`). */
export class LabelMap {
  constructor(width, height, palette = PALETTE, labels = null) {
    this.width = width;
    this.height = height;
    this.palette = [...palette];
    this.labels = labels ?? new Uint8Array(width * height);
    this.version = 0; // counts what was changed
  }

  get isEmpty() {
    return this.labels.every((label) => label === this.labels[0]) && this.labels[0] === 0;
  }

  /** Return the colours that are there, those of the palette's order. */
  used() {
    const seen = new Set(this.labels);
    return this.palette.filter((_, label) => seen.has(label));
  }

  /** Paint a line with a round brush; returns the rectangle that it may have changed. */
  line(from, to, radius, label) {
    const steps = Math.max(
      1,
      Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / (radius / 3 + 0.5)),
    );
    for (let n = 0; n <= steps; n += 1) {
      const t = n / steps;
      this.#disc(from.x + (to.x - from.x) * t, from.y + (to.y - from.y) * t, radius, label);
    }
    this.version += 1;
    return this.box(
      Math.min(from.x, to.x) - radius,
      Math.min(from.y, to.y) - radius,
      Math.max(from.x, to.x) + radius,
      Math.max(from.y, to.y) + radius,
    );
  }

  #disc(x, y, radius, label) {
    const r = Math.max(radius, 0.5);
    const top = Math.max(0, Math.ceil(y - r - 0.5));
    const bottom = Math.min(this.height - 1, Math.floor(y + r - 0.5));
    for (let row = top; row <= bottom; row += 1) {
      const half = Math.sqrt(Math.max(0, r * r - (row + 0.5 - y) ** 2));
      const left = Math.max(0, Math.ceil(x - half - 0.5));
      const right = Math.min(this.width - 1, Math.floor(x + half - 0.5));
      if (left <= right) {
        this.labels.fill(label, row * this.width + left, row * this.width + right + 1);
      }
    }
  }

  /** Paint everything of one colour that hangs together around a point. */
  flood({ x, y }, label) {
    const column = Math.floor(x);
    const row = Math.floor(y);
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return null;
    const { labels, width } = this;
    const old = labels[row * width + column];
    if (old === label) return null;
    const stack = [row * width + column];
    while (stack.length) {
      let at = stack.pop();
      if (labels[at] !== old) continue;
      const start = at - (at % width);
      while (at > start && labels[at - 1] === old) at -= 1;
      for (; at < start + width && labels[at] === old; at += 1) {
        labels[at] = label;
        if (labels[at - width] === old) stack.push(at - width);
        if (labels[at + width] === old) stack.push(at + width);
      }
    }
    this.version += 1;
    return this.box(0, 0, width, this.height);
  }

  /** Take everything away. */
  clear() {
    this.labels.fill(0);
    this.version += 1;
    return this.box(0, 0, this.width, this.height);
  }

  /** Return a rectangle within the map: {x, y, width, height} of whole pixels. */
  box(left, top, right, bottom) {
    const x = Math.max(0, Math.floor(left));
    const y = Math.max(0, Math.floor(top));
    return {
      x,
      y,
      width: Math.max(0, Math.min(this.width, Math.ceil(right)) - x),
      height: Math.max(0, Math.min(this.height, Math.ceil(bottom)) - y),
    };
  }

  /** Return a rectangle's pixels; what is not painted has the opacity `ground` (0 to 255). */
  pixels(box, ground = 255) {
    const image = new ImageData(Math.max(1, box.width), Math.max(1, box.height));
    const words = new Uint32Array(image.data.buffer);
    const inks = this.palette.map((colour, label) => word(colour, label ? 255 : ground));
    for (let row = 0; row < box.height; row += 1) {
      const start = (box.y + row) * this.width + box.x;
      for (let n = 0; n < box.width; n += 1)
        words[row * box.width + n] = inks[this.labels[start + n]];
    }
    return image;
  }
}

const word = (colour, alpha) => {
  const [r, g, b] = rgb(colour);
  return ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0; // as little-endian machines store it
};

/** Return red, green and blue of `#rrggbb`, 0 to 255. */
export const rgb = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/** Return the size of a map for a picture: its proportions, at most `most` on the long side. */
export function sizeFor(width, height, most = 1024) {
  const scale = Math.min(1, most / Math.max(width, height));
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}
