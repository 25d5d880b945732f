// What is about to be painted of a film. It stays while one looks at other views, and over a reload.

import { schema, optionsOf, methodOf } from "../core/schema.js";
import { stylesOf } from "../paint/request.js";
import { chosenStyle, presetOf } from "../paint/state.js";
import { choices } from "../tasks/choices.js";
import { pile } from "../tasks/pile.js";

/** The choices; of the options those that differ from the defaults, of the film's too. */
export const film = choices("film", {
  styles: [],
  preset: "draft", // a film has many frames
  method: null,
  options: {},
  output: {},
  clip: null, // the ID of the upload that From and To belong to
});

/** The film that is painted: a pile of one. */
export const clips = pile("film", {
  only: true,
  refusal: (upload) => (upload.film ? "" : "This is no film: nothing in it moves."),
});

/** Return the upload of the film; null without one. */
export const clip = () => clips.items.value.find((item) => item.upload)?.upload ?? null;

/** Take what was sent already as the film. */
export const takeFilm = (upload) => clips.put(upload);

clips.items.watch(() => {
  const id = clip()?.id ?? null;
  if (!id || id === film.value.clip) return;
  const { start, stop, ...options } = film.value.options; // of another film
  film.change({ clip: id, options });
});

/** Return the request of the job; `contents` and `styles` may be empty. */
export function requestOf(value) {
  const method = methodOf(value);
  const names = new Set([...optionsOf(method), ...schema.film].map((option) => option.name));
  return {
    task: "film",
    contents: clips.sources(),
    styles: stylesOf(value.styles),
    method: value.method,
    preset: presetOf(value),
    options: Object.fromEntries(
      Object.entries(value.options).filter(([name]) => names.has(name) && name !== "region"),
    ),
    output: { suffix: ".mp4", ...value.output },
  };
}

/** Take what was asked for when a film was painted; `styles` are those that the studio has. */
export function takeRequest(request, upload, styles) {
  if (upload) takeFilm(upload);
  const chosen = request.styles.map(({ style, weight = 1, use = "" }) => {
    const item = styles.find((one) => one.id === style);
    return item && { ...chosenStyle(item), weight, use };
  });
  film.change({
    styles: chosen.filter(Boolean),
    preset: request.method ? null : request.preset,
    method: request.method,
    options: { ...request.options },
    output: { ...request.output },
  });
}
