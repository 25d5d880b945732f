// Maps as files: written as PNG in flat colours; read from any picture of few colours.

import { LabelMap, PALETTE, rgb } from "./labels.js";

const MOST_COLOURS = 12;
const LEAST_SHARE = 0.002; // of the pixels: what is rarer is an edge's mixture
const NEAR = 48; // distance in RGB within which two colours are one
const ALIKE = 110; // within which they are hard to tell apart

/** Return a map as a PNG. */
export function toBlob(map) {
  const canvas = new OffscreenCanvas(map.width, map.height);
  canvas.getContext("2d").putImageData(map.pixels(map.box(0, 0, map.width, map.height)), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/**
 * Return the map in a picture file, at a size: each pixel takes the nearest of its main colours.
 * What is transparent counts as white. Throws where the proportions differ by over 2 %.
 */
export async function fromFile(file, { width, height }) {
  const image = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const off = (image.width * height) / (image.height * width);
  if (off > 1.02 || off < 1 / 1.02) {
    throw new Error(
      `The map has ${image.width} × ${image.height} pixels: other proportions than ` +
        "the picture under it. Crop both alike.",
    );
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  return fromPixels(context.getImageData(0, 0, width, height));
}

/** Return the map in pixels (ImageData). */
export function fromPixels({ data, width, height }) {
  const found = mainColours(data);
  const palette = ["#ffffff", ...found.filter((colour) => colour !== "#ffffff")];
  for (const colour of PALETTE) {
    const isNew = palette.every((one) => Math.sqrt(distance(key(one), key(colour))) > ALIKE);
    if (isNew && palette.length < PALETTE.length) palette.push(colour); // to go on drawing with
  }
  const inks = palette.map(rgb);
  const known = found.includes("#ffffff") ? found : found.filter((c) => c !== "#ffffff");
  const allowed = palette.map((c, n) => (known.includes(c) ? n : -1)).filter((n) => n >= 0);
  const nearest = new Map();
  const labels = new Uint8Array(width * height);
  for (let n = 0; n < labels.length; n += 1) {
    const pixel = (data[4 * n] << 16) | (data[4 * n + 1] << 8) | data[4 * n + 2];
    if (!nearest.has(pixel)) nearest.set(pixel, closest(pixel, inks, allowed));
    labels[n] = nearest.get(pixel);
  }
  return new LabelMap(width, height, palette, labels);
}

function mainColours(data) {
  const counts = new Map();
  for (let n = 0; n < data.length; n += 4) {
    const pixel = (data[n] << 16) | (data[n + 1] << 8) | data[n + 2];
    counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  }
  const least = (data.length / 4) * LEAST_SHARE;
  const main = [];
  for (const [pixel, count] of [...counts].sort((a, b) => b[1] - a[1])) {
    if (main.length && (count < least || main.length === MOST_COLOURS)) break;
    if (!main.some((one) => Math.sqrt(distance(one, pixel)) < NEAR)) main.push(pixel);
  }
  return main.map((pixel) => `#${pixel.toString(16).padStart(6, "0")}`);
}

const key = (colour) => Number.parseInt(colour.slice(1), 16);
const parts = (pixel) => [pixel >> 16, (pixel >> 8) & 255, pixel & 255];

function distance(a, b) {
  return parts(a).reduce((sum, part, n) => sum + (part - parts(b)[n]) ** 2, 0);
}

function closest(pixel, inks, allowed) {
  const colour = parts(pixel);
  let best = allowed[0];
  let least = Infinity;
  for (const label of allowed) {
    const d = inks[label].reduce((sum, part, n) => sum + (part - colour[n]) ** 2, 0);
    if (d < least) [best, least] = [label, d];
  }
  return best;
}
