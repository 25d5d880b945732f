// What is about to be painted. It stays while one looks at other views, and over a reload.

import { store } from "../core/store.js";
import { schema } from "../core/schema.js";

const KEY = "impasto.paint";
const EMPTY = {
  contents: [], // {source: {upload} or {picture}, name, width, height, view, thumbnail}
  active: 0, // which of them is shown
  styles: [], // {ref: {style} or {upload}, title, picture, weight, use}
  preset: null, // the schema's usual one, where neither a preset nor a method is chosen
  method: null,
  options: {}, // only those that differ from the defaults
  output: {},
  regions: {}, // colour -> {style, strength, keep, color}
};

/** The choices; `paint.change({…})` changes some. */
export const paint = store({ ...EMPTY, ...stored() });

/** The map of regions, drawn by the brush; `{map: null}` without one. */
export const regionMap = store({ map: null });

paint.watch((value) => sessionStorage.setItem(KEY, JSON.stringify(value)));

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

/** Set an option, or take it back to its default with undefined. */
export function setOption(name, value) {
  const options = { ...paint.value.options };
  if (value === undefined) delete options[name];
  else options[name] = value;
  paint.change({ options });
}

/** Set an option of the file that is written. */
export function setOutput(name, value) {
  const output = { ...paint.value.output };
  if (value === undefined) delete output[name];
  else output[name] = value;
  paint.change({ output });
}

/** Return the preset that is chosen; null where a method is. */
export const presetOf = (value) => (value.method ? null : (value.preset ?? schema.usual));

/** Add photographs; the first of the new ones is shown. */
export function addContents(items) {
  const contents = [...paint.value.contents, ...items];
  paint.change({ contents, active: contents.length - items.length });
}

/** Return an upload as a photograph of the list. */
export const contentOf = (upload) => ({
  source: { upload: upload.id },
  name: upload.name,
  width: upload.width,
  height: upload.height,
  view: upload.view,
  thumbnail: upload.thumbnail,
});

/** Return a painted picture as a photograph of the list. */
export const contentOfPicture = (picture) => ({
  ...contentOf(picture),
  source: { picture: picture.id },
});

/** Choose a style, or leave it if it is chosen; only one unless several are asked for. */
export function toggleStyle(item, several, state = paint) {
  const { styles } = state.value;
  const there = styles.find((style) => style.id === item.id);
  if (there) return state.change({ styles: styles.filter((style) => style !== there) });
  const chosen = chosenStyle(item);
  state.change({ styles: several ? [...styles, chosen] : [chosen] });
}

/** Return an item of the styles' list as a chosen style. */
export const chosenStyle = (item) => ({
  id: item.id,
  ref: { style: item.id },
  title: item.title,
  picture: item.picture,
  part: item.part ?? "",
  weight: 1,
  use: "",
});
