// What a study has left: its sheet and curves, and its pictures with what was varied.

import { h } from "../core/dom.js";
import { schema } from "../core/schema.js";
import { address, fileText, pictures } from "./result.js";

const CAPTIONS = {
  "sheet.png": "All pictures on one sheet",
  "losses.png": "The losses, over the iterations",
  "time.png": "The seconds that each took",
};

/** Return what is shown of a study's files. */
export async function studied(job, items) {
  const named = new Map(items.map((item) => [item.name, item]));
  const whole = (...names) =>
    pictures(names.map((name) => named.get(name)).filter(Boolean), (item) => CAPTIONS[item.name]);
  const runs = named.has("runs.csv") ? lines(await fileText(named.get("runs.csv"))) : [];
  const study = schema.studies[job.method];
  return [
    study ? h("p.quiet", {}, study.help) : null,
    whole("sheet.png"),
    h(
      "section",
      {},
      h("h2", {}, "Pictures"),
      h(
        "ul.contact",
        { "aria-label": "Pictures" },
        runs.filter((run) => named.has(run.file)).map((run) => tile(run, named.get(run.file))),
      ),
    ),
    whole("losses.png", "time.png"),
  ];
}

const tile = (run, item) =>
  h(
    "li",
    {},
    h(
      "a",
      { href: address(item), target: "_blank", rel: "noopener" },
      h("img", { src: address(item), alt: `The picture with ${run.label}`, loading: "lazy" }),
    ),
    h("span.contact-caption", {}, h("b", {}, run.label), h("span.quiet", {}, figures(run))),
  );

function figures(run) {
  const two = (text) => (text && Number.isFinite(Number(text)) ? Number(text).toPrecision(2) : "");
  return [
    ["style distance", two(run.style_distance)],
    ["content distance", two(run.content_distance)],
  ]
    .filter(([, value]) => value)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

/** Return the lines of a CSV file as objects by its heading. */
export function lines(text) {
  const [head, ...rows] = cells(text);
  return rows.map((row) => Object.fromEntries(head.map((name, n) => [name, row[n] ?? ""])));
}

// Cells may be quoted, and hold commas, quotes and ends of lines then.
function cells(text) {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g,
  )) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}
