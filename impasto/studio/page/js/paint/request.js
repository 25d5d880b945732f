// What is sent to the studio, made from the choices: only what differs from the defaults.

import { upload } from "../core/api.js";
import { changed, methodOf, schema } from "../core/schema.js";
import { toBlob } from "../brush/mapfile.js";
import { presetOf } from "./state.js";

/** Return the styles as the API has them. */
export const stylesOf = (styles) =>
  styles.map(({ ref, weight, use }) => ({
    ...ref,
    ...(styles.length > 1 ? { weight } : {}),
    ...(use ? { use } : {}),
  }));

/** Return the request of a job without its map, as a forecast needs it. */
export function requestOf(value) {
  const { method } = value;
  return {
    task: "stylize",
    contents: value.contents.map((content) => content.source),
    styles: stylesOf(value.styles),
    method,
    preset: presetOf(value),
    options: changed(methodOf(value), value.options),
    output: { ...value.output },
  };
}

/** Return the request of a job with its map, which is sent to the studio first. */
export async function wholeRequest(value, map) {
  const request = requestOf(value);
  if (!map || value.contents.length !== 1 || map.isEmpty) return request;
  const used = new Set(map.used());
  const regions = Object.entries(value.regions)
    .filter(([colour, what]) => used.has(colour) && regionText(colour, what))
    .map(([colour, what]) => regionText(colour, what));
  if (!regions.length) return request;
  request.content_map = { upload: await sent(map) };
  request.options.region = regions;
  return request;
}

/** Send a map once for each of its states, and return the ID of its upload. */
export async function sent(map, name = "map.png") {
  if (map.sentVersion !== map.version) {
    const version = map.version;
    const answer = await upload(new File([await toBlob(map)], name, { type: "image/png" }));
    map.sentUpload = answer.id;
    map.sentVersion = version;
  }
  return map.sentUpload;
}

/** Return what happens in a region as the flag --region writes it; empty for nothing of its own. */
export function regionText(
  colour,
  { style = null, strength = null, keep = false, color = "" } = {},
) {
  if (keep) return `${colour}=keep`;
  const words = [
    style ? (style.upload ? `UPLOAD:${style.upload}` : style.id) : "",
    strength === null ? "" : String(strength),
    color ? `color=${color}` : "",
  ].filter(Boolean);
  return words.length ? `${colour}=${words.join(":")}` : "";
}

/** Return what is missing before anything can be painted; empty if nothing is. */
export function missing(value) {
  if (!value.contents.length) return "Choose a photograph.";
  if (!value.styles.length) return "Choose a style.";
  return "";
}

/** Whether the schema lists a task. */
export const hasTask = (task) => task in schema.tasks;
