// The settings of a picture that Impasto painted: shown as a difference, taken only on a click.

import { get } from "../core/api.js";
import { dialog } from "../core/dialog.js";
import { h } from "../core/dom.js";
import { value as shown } from "../core/format.js";
import { complain, notice } from "../core/notices.js";
import { go } from "../core/router.js";
import { methodOf, optionsOf, same, schema } from "../core/schema.js";
import { film, takeFilm } from "../film/state.js";
import { chosenStyle, contentOf, paint } from "./state.js";

// Options that hold files of their own: maps are drawn anew, and say more than a text could.
const WITHOUT = new Set(["region"]);

/** Show the settings of a picture, or a film, that was sent; `use` takes it itself to be painted. */
export function offer(sent, use) {
  const isFilm = sent.recipe.task === "film" && "film" in schema.tasks;
  const rows = isFilm
    ? differences(sent.recipe, film.value, schema.film)
    : differences(sent.recipe, paint.value);
  const isForPaint = isFilm || sent.recipe.task === "stylize";
  const noun = isFilm ? "film" : "picture";
  const table = rows.length
    ? h(
        "table.difference",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Option", "Now", `In this ${noun}`].map((text) => h("th", { scope: "col" }, text)),
          ),
        ),
        h(
          "tbody",
          {},
          rows.map(([name, now, then]) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, name),
              h("td", {}, h("del", {}, now)),
              h("td", {}, h("ins", {}, then)),
            ),
          ),
        ),
      )
    : h("p", {}, "They are those that are chosen now.");
  dialog(
    "Painted by Impasto",
    h(
      "div.offer",
      {},
      h("img", { src: sent.thumbnail, alt: "" }),
      h(
        "div",
        {},
        h(
          "p",
          {},
          isForPaint
            ? `${sent.name} brings the settings along that it was painted with.`
            : `${sent.name} was painted by the task ${sent.recipe.task}.`,
        ),
        isForPaint ? table : recipeTable(sent.recipe),
      ),
    ),
    [
      { label: isFilm ? "Use as a film" : "Use as a photograph", run: use },
      ...(isForPaint && rows.length
        ? [
            {
              label: "Take these settings",
              kind: "primary",
              run: () => (isFilm ? takeFilmRecipe : takeRecipe)(sent.recipe),
            },
          ]
        : []),
    ],
    { wide: true },
  );
}

/** A recipe's rows as a table. */
export function recipeTable(recipe) {
  return h(
    "table.recipe",
    {},
    h(
      "tbody",
      {},
      recipe.rows.map(([name, value]) =>
        h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, shown(value))),
      ),
    ),
  );
}

/**
 * Return [option, now, then] of everything in which a recipe differs from the choices; `more` options
 * are of the task, whatever the method.
 */
export function differences(recipe, value, more = []) {
  const rows = [];
  const method = methodOf(value);
  if (method !== recipe.method) rows.push(["Method", method, recipe.method]);
  const styles = stylesIn(recipe).map(nameOf).join(", ");
  const now = value.styles.map((style) => style.title || style.id).join(", ");
  const ids = value.styles.map((style) => style.id).join(", ");
  if (
    styles &&
    styles !== now &&
    stylesIn(recipe)
      .map((i) => i.style)
      .join(", ") !== ids
  ) {
    rows.push(["Style", now || "none", styles]);
  }
  const before = new Map(
    [...optionsOf(method), ...more].map((option) => [option.name, option.default]),
  );
  for (const option of [...optionsOf(recipe.method), ...more]) {
    if (WITHOUT.has(option.name)) continue;
    const then = recipe.options[option.name] ?? option.default;
    const here = value.options[option.name] ?? before.get(option.name);
    // Defaults that differ come with the method, which has its own row.
    const isOwn = option.name in recipe.options || option.name in value.options;
    if (isOwn && !same(here, then)) rows.push([option.title, shown(here), shown(then)]);
  }
  return rows;
}

const stylesIn = (recipe) => recipe.inputs.filter((input) => input.role === "style");
const nameOf = (input) => input.style ?? input.name;

/** Take a recipe's method, options and those of its pictures that the studio knows. */
export async function takeRecipe(recipe, { photograph = null } = {}) {
  const options = Object.fromEntries(
    Object.entries(recipe.options).filter(([name]) => !WITHOUT.has(name)),
  );
  const preset = presetLike(recipe);
  const change = { method: preset ? null : recipe.method, preset, options };
  try {
    const { styles, lacking } = await knownStyles(recipe);
    if (styles.length) change.styles = styles;
    if (photograph) change.contents = [photograph];
    else {
      const contents = await knownContents(recipe);
      if (contents.length) change.contents = contents;
    }
    if (change.contents) change.active = 0;
    paint.change(change);
    if (lacking.length) notice(`Choose the style yourself: ${lacking.join(", ")} is not here.`);
    go("paint");
  } catch (error) {
    complain(error);
  }
}

/** Take the settings of a film, and the film that it was painted from, if the studio has it. */
export async function takeFilmRecipe(recipe) {
  const options = Object.fromEntries(
    Object.entries(recipe.options).filter(([name]) => !WITHOUT.has(name)),
  );
  const preset = presetLike(recipe);
  try {
    const { styles, lacking } = await knownStyles(recipe);
    const content = recipe.inputs.find((input) => input.role === "content" && input.upload);
    if (content) takeFilm(await get(`/uploads/${content.upload}`));
    film.change({
      method: preset ? null : recipe.method,
      preset,
      options,
      ...(styles.length ? { styles } : {}),
    });
    if (lacking.length) notice(`Choose the style yourself: ${lacking.join(", ")} is not here.`);
    go("film");
  } catch (error) {
    complain(error);
  }
}

// A method is shown as its preset where the preset is no more than the method.
function presetLike(recipe) {
  const found = Object.entries(schema.presets).find(
    ([name, preset]) => preset.method === recipe.method && name !== "best",
  );
  return found ? found[0] : null;
}

async function knownStyles(recipe) {
  const { items } = await get("/styles");
  const styles = [];
  const lacking = [];
  for (const input of stylesIn(recipe)) {
    const item = items.find(
      (one) => one.id === input.style || (input.upload && one.upload === input.upload),
    );
    const use = /:(fine|coarse)\b/.exec(input.use ?? "")?.[1] ?? "";
    const weight = Number(/:([\d.]+)/.exec(input.use ?? "")?.[1] ?? 1);
    if (item) styles.push({ ...chosenStyle(item), use, weight });
    else if (input.upload) styles.push({ ...(await uploaded(input.upload)), use, weight });
    else lacking.push(input.name);
  }
  return { styles, lacking };
}

async function uploaded(id) {
  const sent = await get(`/uploads/${id}`);
  return { id, ref: { upload: id }, title: sent.name, picture: sent.thumbnail, weight: 1, use: "" };
}

async function knownContents(recipe) {
  const inputs = recipe.inputs.filter((input) => input.role === "content" && input.upload);
  return Promise.all(inputs.map(async (input) => contentOf(await get(`/uploads/${input.upload}`))));
}
