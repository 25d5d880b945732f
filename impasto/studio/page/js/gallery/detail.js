// One picture of the gallery: large, compared, with its recipe and what can be done with it.

import { get, post, remove } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { learn } from "../core/events.js";
import * as format from "../core/format.js";
import { icon } from "../core/icons.js";
import { bind } from "../core/keys.js";
import { complain, notice } from "../core/notices.js";
import { go } from "../core/router.js";
import { recipeTable, takeRecipe } from "../paint/offer.js";
import { contentOf, contentOfPicture, addContents } from "../paint/state.js";
import { restoreRegions } from "../paint/region.js";
import { viewer } from "../picture/viewer.js";
import { player } from "../film/player.js";
import { takeRequest } from "../film/state.js";
import { askPoster } from "./poster.js";
import { beside, found, more, remembered } from "./list.js";

const GROUP = "Picture";

/** Show the picture of an ID. */
export async function detail({ root, id, signal }) {
  const page = h("div.detail");
  root.append(page);
  remembered.id = id;
  let picture;
  try {
    picture = await get(`/pictures/${id}`);
  } catch (error) {
    if (!signal.aborted) {
      append404(page, error);
    }
    return;
  }
  if (signal.aborted) return;
  document.title = `${picture.title || picture.name} · Impasto`;
  if (found.value.total === null) await more();
  if (signal.aborted) return;
  const stage = isFilm(picture) ? filmStage(picture, signal) : pictureStage(picture, signal);
  page.append(
    h("div.detail-stage", {}, stage.node, stage.bar),
    h(
      "aside.detail-side",
      { "aria-label": "About this picture" },
      head(picture, id),
      actions(picture),
      about(picture),
      picture.recipe
        ? h(
            "details.recipe-box",
            { open: true },
            h("summary", {}, "Recipe"),
            recipeTable(picture.recipe),
          )
        : null,
    ),
  );
  stage.bindKeys();
  bindKeys(picture, signal);
}

const isFilm = ({ kind }) => kind === "film";

function pictureStage(picture, signal) {
  const stage = viewer(picture, signal);
  return {
    node: stage.node,
    bar: h(
      "div.stage-bar",
      {},
      compareBar(picture.title || picture.name, stage, othersOf(picture)),
      stage.tools,
    ),
    bindKeys: () => bindPictureKeys(stage, signal),
  };
}

function filmStage(picture, signal) {
  const stage = player(picture, signal, () =>
    notice("The browser does not play the film that this was painted from.", { kind: "error" }),
  );
  const others = picture.photograph
    ? [
        {
          id: "clip",
          name: "The film before",
          file: `/api/v1/uploads/${picture.photograph}/file`,
        },
      ]
    : [];
  const compare = stage.film && compareBar("Film", stage, others);
  return {
    node: stage.node,
    bar: h("div.stage-bar", {}, stage.bar, compare),
    bindKeys: () => bindFilmKeys(stage, signal),
  };
}

function append404(page, error) {
  fill(
    page,
    h(
      "div.column",
      {},
      h("h1", { tabindex: -1 }, "No such picture"),
      h("p", {}, error.message),
      h("a.button", { href: "#/gallery" }, "Gallery"),
    ),
  );
}

function head(picture, id) {
  const [newer, older] = beside(id);
  const to = (one, name, text) =>
    one
      ? h("a.tool", { href: `#/gallery/${one.id}`, "aria-label": text, title: text }, icon(name))
      : h("span.tool.is-off", { "aria-hidden": "true" }, icon(name));
  return h(
    "div.detail-head",
    {},
    h(
      "div.detail-nav",
      {},
      h("a.button", { href: "#/gallery" }, icon("left"), "Gallery"),
      to(newer, "left", "Newer picture"),
      to(older, "right", "Older picture"),
    ),
    h("h1", { tabindex: -1 }, picture.title || picture.name),
  );
}

function about(picture) {
  const facts = [
    ["Painted", format.date(picture.created)],
    ["Size", format.size(picture.width, picture.height)],
    ["Length", isFilm(picture) && picture.seconds ? format.clock(picture.seconds) : ""],
    ["File", `${picture.name.split(".").at(-1).toUpperCase()}, ${format.bytes(picture.bytes)}`],
    ["Method", picture.method],
    [picture.styles.length > 1 ? "Styles" : "Style", picture.styles.join(", ")],
  ].filter(([, value]) => value);
  return h(
    "dl.about",
    {},
    facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

async function again(picture) {
  const { jobs } = await post("/jobs", picture.request);
  learn(jobs);
  notice("It is painted again.", { action: { label: "Queue", run: () => go("queue") } });
}

async function photographOf(picture) {
  return picture.photograph ? contentOf(await get(`/uploads/${picture.photograph}`)) : null;
}

async function withOthers(picture) {
  const photograph = await photographOf(picture);
  await takeRecipe(picture.recipe, { photograph });
  await restoreRegions(picture.request, photograph);
  notice(`The settings of ${picture.title || picture.name} are taken.`, { seconds: 4 });
}

async function filmWithOthers(picture) {
  const [styles, upload] = await Promise.all([
    get("/styles"),
    picture.photograph ? get(`/uploads/${picture.photograph}`) : null,
  ]);
  takeRequest(picture.request, upload, styles.items);
  go("film");
}

/** Delete a picture; it can be taken back. */
async function away(picture) {
  const [newer, older] = beside(picture.id);
  await remove(`/pictures/${picture.id}`);
  const next = older ?? newer;
  go(next ? `gallery/${next.id}` : "gallery");
  notice(`Deleted ${picture.title || picture.name}.`, {
    seconds: 12,
    action: {
      label: "Undo",
      run: async () => {
        try {
          await post(`/pictures/${picture.id}/restore`);
          go(`gallery/${picture.id}`);
        } catch (error) {
          complain(error);
        }
      },
    },
  });
}

function actions(picture) {
  const button = (drawing, text, run, kind = "") =>
    h(
      "button.button",
      { type: "button", class: kind, onclick: () => run(picture)?.catch?.(complain) },
      icon(drawing),
      h("span", {}, text),
    );
  const isStylized = picture.request?.task === "stylize" || picture.recipe?.task === "stylize";
  return h(
    "div.detail-actions",
    {},
    h(
      "a.button.primary",
      { href: picture.file, download: picture.name },
      icon("download"),
      "Download",
    ),
    picture.request && button("retry", "Paint again", again),
    picture.recipe && isStylized && button("paint", "With other settings", withOthers),
    isFilm(picture) && picture.request && button("film", "With other settings", filmWithOthers),
    picture.request && isStylized && button("fit", "As a poster", askPoster),
    !isFilm(picture) &&
      button("photo", "As a photograph", async () => {
        addContents([contentOfPicture(picture)]);
        go("paint");
      }),
    button("clear", "Delete", away, "danger"),
  );
}

// What a picture can be compared with.
function othersOf(picture) {
  return [
    ...(picture.photograph
      ? [
          {
            id: "photograph",
            name: "The photograph",
            view: `/api/v1/uploads/${picture.photograph}/view`,
          },
        ]
      : []),
    ...found.value.items
      .filter((item) => item.id !== picture.id && !isFilm(item))
      .slice(0, 60)
      .map((item) => ({ id: item.id, name: item.title || item.name, view: item.view })),
  ];
}

function compareBar(own, stage, others) {
  const names = [
    ["", own],
    ["slider", "Slider"],
    ["side", "Side by side"],
  ];
  const select = h(
    "select",
    { "aria-label": "Compare with", onchange: () => put(stage.mode() || "slider") },
    others.map((other) => h("option", { value: other.id }, other.name)),
  );
  const buttons = names.map(([mode, text]) =>
    h(
      "button.chip",
      {
        type: "button",
        dataset: { mode },
        "aria-pressed": String(mode === ""),
        onclick: () => put(mode),
      },
      text,
    ),
  );
  function put(mode) {
    stage.compare(
      mode,
      others.find((other) => other.id === select.value),
    );
    for (const one of buttons)
      one.setAttribute("aria-pressed", String(one.dataset.mode === stage.mode()));
    select.hidden = stage.mode() === "" || others.length < 2;
  }
  select.hidden = true;
  if (!others.length) return null;
  return h("div.compare-bar", { role: "group", "aria-label": "Compare" }, buttons, select);
}

function bindKeys(picture, signal) {
  const on = binder(signal);
  const step = (n) => {
    const other = beside(picture.id)[n];
    if (other) go(`gallery/${other.id}`);
  };
  on("Escape", "Back to the gallery", () => go("gallery"));
  on("ArrowLeft", "Newer picture", () => step(0));
  on("ArrowRight", "Older picture", () => step(1));
  on("Delete", "Delete, with a way back", () => away(picture).catch(complain));
}

const binder = (signal) => (key, text, run, more) =>
  bind(key, text, run, { signal, group: GROUP, ...more });

function bindCompareKeys(stage, signal) {
  const on = binder(signal);
  const press = (mode) => document.querySelector(`.compare-bar [data-mode="${mode}"]`)?.click();
  on("c", "Compare by a slider", () => press(stage.mode() === "slider" ? "" : "slider"));
  on("s", "Compare side by side", () => press(stage.mode() === "side" ? "" : "side"));
}

function bindFilmKeys(stage, signal) {
  binder(signal)("Space", "Play, or pause", stage.toggle);
  bindCompareKeys(stage, signal);
}

function bindPictureKeys(stage, signal) {
  const on = binder(signal);
  on("1", "100 %", () => stage.full());
  on("0", "Show all", () => stage.fit());
  on("+", "Zoom in", () => stage.zoom(1.25), { also: ["="] });
  on("-", "Zoom out", () => stage.zoom(0.8));
  for (const [key, x, y] of [
    ["Left", 60, 0],
    ["Right", -60, 0],
    ["Up", 0, 60],
    ["Down", 0, -60],
  ]) {
    on(`Shift+Arrow${key}`, key === "Left" ? "Move the picture (all arrows)" : "", () =>
      stage.pan(x, y),
    );
  }
  bindCompareKeys(stage, signal);
}
