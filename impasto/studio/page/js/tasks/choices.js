// The choices of a task's page: kept while one looks at other views, and over a reload.

import { store } from "../core/store.js";

/** Make a store whose value is kept under a name. */
export function choices(name, first) {
  const key = `impasto.${name}`;
  const made = store({ ...first, ...stored(key) });
  made.watch((value) => sessionStorage.setItem(key, JSON.stringify(value)));
  return made;
}

function stored(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

/** Return what sets one value of a part, such as one of the `options`; undefined takes it away. */
export const setter = (state, part) => (name, value) => {
  const values = { ...state.value[part] };
  if (value === undefined) delete values[name];
  else values[name] = value;
  state.change({ [part]: values });
};

/** Return the name of an option that an error is about, as the schema writes it. */
export const optionIn = (error) => error.option?.replace(/^--/, "").replaceAll("-", "_") ?? "";
