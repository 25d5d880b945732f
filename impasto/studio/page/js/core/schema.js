// What methods and options there are, as the studio's schema says.

import { get } from "./api.js";

/** The schema; null until `load` has ended. */
export let schema = null;

/** Fetch the schema once. */
export async function load() {
  schema ??= await get("/schema");
  return schema;
}

/** Return the method that a choice means: its own, that of its trained styles, or its preset's. */
export function methodOf({ method, preset, styles = [] }) {
  if (!method && styles.some((style) => style.part)) return "fast";
  return method ?? schema.presets[preset ?? schema.usual].method;
}

/** Return a method's options. */
export const optionsOf = (method) => schema.methods[method]?.options ?? [];

/** Return one option of a method, or undefined. */
export const optionOf = (method, name) => optionsOf(method).find((o) => o.name === name);

/** Whether two values of an option are the same. */
export function same(a, b) {
  return Array.isArray(a) || Array.isArray(b)
    ? JSON.stringify(a ?? []) === JSON.stringify(b ?? [])
    : a === b;
}

/** Return the options that a method has and that are not as by default. */
export function changed(method, values) {
  const kept = {};
  for (const option of optionsOf(method)) {
    if (option.name in values && !same(values[option.name], option.default)) {
      kept[option.name] = values[option.name];
    }
  }
  return kept;
}
