// The contact sheet of a batch: its pictures in the order that they were asked for, as they come.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { isOver, jobs } from "../core/events.js";
import { counted } from "../core/format.js";
import { icon } from "../core/icons.js";
import { stateOf } from "../queue/card.js";
import { cancelButton, fetchGroup, groupsOf, progressOf } from "../queue/group.js";

const MOST_COLUMNS = 5;

/** Show the sheet of a group. */
export async function sheetView({ root, group, signal }) {
  const title = h("h1", { tabindex: -1 }, "Batch");
  const bar = h("progress", { max: 1, "aria-label": "Done of all" });
  const facts = h("p.facts", { role: "status" });
  const trouble = h("p.trouble", { hidden: true });
  const wall = h("ul.contact", { "aria-label": "Pictures" });
  const members = () => groupsOf([...jobs.value.values()]).get(group) ?? [];
  const cancel = cancelButton(members);
  const tiles = new Map();
  let titles = new Map();

  root.append(
    h(
      "div.column.wide.sheet-view",
      {},
      h(
        "div.result-top",
        {},
        title,
        h(
          "div.actions",
          {},
          cancel,
          h("a.button", { href: "#/queue" }, icon("queue"), "Queue"),
          h("a.button", { href: "#/batch" }, icon("batch"), "Another batch"),
        ),
      ),
      bar,
      facts,
      trouble,
      wall,
    ),
  );

  function render() {
    const all = members();
    if (!all.length) return;
    const { part, words } = progressOf(all);
    title.textContent = `Batch of ${counted(all.length, "picture")}`;
    bar.value = part;
    bar.hidden = all.every(isOver);
    fill(
      facts,
      words.map((word) => h("span", {}, word)),
    );
    cancel.hidden = !all.some((job) => job.can?.includes("cancel"));
    const columns = columnsOf(all);
    wall.classList.toggle("is-table", columns > 1 && columns <= MOST_COLUMNS);
    wall.style.setProperty("--columns", columns);
    for (const job of all) {
      if (!tiles.has(job.id)) {
        tiles.set(job.id, tile());
        wall.append(tiles.get(job.id).node);
      }
      tiles.get(job.id).show(job, titles);
    }
  }

  jobs.watch(render, signal);
  try {
    const [styles] = await Promise.all([get("/styles"), fetchGroup(group)]);
    if (signal.aborted) return;
    titles = new Map(styles.items.map((item) => [item.id, item]));
    render();
    if (!members().length) throw new Error("There is no such batch of yours.");
  } catch (error) {
    trouble.textContent = error.message;
    trouble.hidden = bar.hidden = cancel.hidden = true;
    trouble.hidden = false;
  }
}

// The styles of the first photograph: a column each.
function columnsOf(all) {
  const first = JSON.stringify(all[0].request?.contents);
  return all.filter((job) => JSON.stringify(job.request?.contents) === first).length;
}

function tile() {
  const image = h("img", { alt: "", hidden: true, loading: "lazy" });
  const link = h("a.contact-picture", {}, image);
  const name = h("b");
  const style = h("span.quiet");
  const bar = h("progress", { max: 1, "aria-label": "Done" });
  const save = h("a.bare", { hidden: true, download: "" }, icon("download"));
  const node = h(
    "li",
    {},
    link,
    h("div.contact-caption.has-tool", {}, h("span", {}, name, style, bar), save),
  );
  let shown = "";
  return {
    node,
    show(job, titles) {
      const key = JSON.stringify([job.state, job.done, job.preview, job.picture, titles.size]);
      if (key === shown) return;
      shown = key;
      const words = wordsOf(job, titles);
      name.textContent = words.photograph;
      style.textContent =
        job.state === "done"
          ? words.style
          : [words.style, job.message || stateOf(job)].filter(Boolean).join(", ");
      node.dataset.state = job.state;
      bar.hidden = isOver(job);
      bar.value = job.done ?? 0;
      const src = job.picture ? `/api/v1/pictures/${job.picture}/thumbnail` : job.preview;
      if (src && image.getAttribute("src") !== src) image.src = src;
      image.hidden = !src;
      save.hidden = !job.picture;
      if (!job.picture) return;
      link.href = `#/gallery/${job.picture}`;
      link.setAttribute("aria-label", `Look at ${words.photograph} in ${words.style}`);
      save.href = `/api/v1/pictures/${job.picture}/file`;
      save.setAttribute("aria-label", `Download ${words.photograph} in ${words.style}`);
      save.title = "Download";
    },
  };
}

// A job's title is the photograph's name, the styles' and the method.
function wordsOf(job, titles) {
  const styles = (job.request?.styles ?? []).map((one) => titles.get(one.style)).filter(Boolean);
  const method = `-${job.method}`;
  let photograph = job.title.endsWith(method) ? job.title.slice(0, -method.length) : job.title;
  const names = [styles.map((item) => item.part || item.id), styles.map((item) => item.title)];
  for (const end of names.map((parts) => `-${parts.join("+")}`)) {
    if (photograph.endsWith(end)) photograph = photograph.slice(0, -end.length);
  }
  return { photograph, style: styles.map((item) => item.title).join(" + ") };
}
