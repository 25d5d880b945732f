// What became of a job that leaves files: how far it is, then what it made.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { jobs, learn, moment, on } from "../core/events.js";
import * as format from "../core/format.js";
import { icon } from "../core/icons.js";
import { complain } from "../core/notices.js";
import { jobCard } from "../queue/card.js";

/**
 * Show a job's page. `show(job, files)` returns what is shown of its files, above the list of them;
 * without it all pictures are.
 */
export async function resultView({ root, id, signal, show = everyPicture }) {
  const title = h("h1", { tabindex: -1 });
  const list = h("ul.jobs");
  const made = h("div.made");
  root.append(
    h(
      "div.column.result-view",
      {},
      h("div.result-top", {}, title, h("a.button", { href: "#/queue" }, icon("queue"), "Queue")),
      list,
      made,
    ),
  );
  let one = null;
  let isShown = false;

  async function render() {
    const job = jobs.value.get(id);
    if (!job) return;
    title.textContent = job.title;
    document.title = `${job.title} · Impasto`;
    if (one) one.show(job);
    else {
      one = jobCard(job);
      list.append(one.node);
    }
    list.hidden = Boolean(job.files);
    if (!job.files || isShown) return;
    isShown = true;
    const { items } = await get(job.files.replace("/api/v1", ""));
    if (!signal.aborted) fill(made, await show(job, items), fileList(items));
  }

  const refresh = () => render().catch(complain);
  jobs.watch(refresh, signal);
  on("job", (job) => job.id === id && one?.step(job), signal);
  try {
    const since = moment();
    learn([await get(`/jobs/${id}`)], since);
    await render();
    title.focus({ preventScroll: true });
  } catch (error) {
    title.textContent = "There is no such job";
    fill(made, h("p.trouble", {}, error.message));
  }
}

const isPicture = ({ name }) => /\.(png|jpe?g|webp|gif)$/i.test(name);

/** Return the address of a job's file; names may hold anything that files' names may. */
export const address = ({ file }) => file.split("/").map(encodeURIComponent).join("/");

/** Return the text of a job's file. */
export async function fileText(item) {
  const answer = await fetch(address(item));
  if (!answer.ok) throw new Error(`${item.name} cannot be read.`);
  return answer.text();
}

/** Show pictures at their whole width, each a link to itself. */
export const pictures = (items, caption) =>
  items.map((item) =>
    h(
      "figure.whole",
      {},
      h(
        "a",
        { href: address(item), target: "_blank", rel: "noopener" },
        h("img", { src: address(item), alt: caption(item), loading: "lazy" }),
      ),
      h("figcaption", {}, caption(item)),
    ),
  );

const everyPicture = (_, items) => pictures(items.filter(isPicture), (item) => item.name);

function fileList(items) {
  return h(
    "details.drawer",
    { open: items.length < 12 },
    h(
      "summary",
      {},
      h("span", {}, "Files"),
      h("span.count", {}, format.counted(items.length, "file")),
    ),
    h(
      "ul.downloads",
      {},
      items.map((item) =>
        h(
          "li",
          {},
          h(
            "a",
            { href: address(item), download: item.name.split("/").at(-1) },
            icon("download"),
            h("span", {}, item.name),
          ),
          h("span.quiet", {}, format.bytes(item.bytes)),
        ),
      ),
    ),
  );
}
