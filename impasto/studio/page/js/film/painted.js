// How far a film is; when it is painted, the film.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { jobs, learn, moment, on } from "../core/events.js";
import { icon } from "../core/icons.js";
import { complain } from "../core/notices.js";
import { jobCard } from "../queue/card.js";
import { player } from "./player.js";

/** Show a film's job, then what it has become. */
export async function paintedView({ root, id, signal }) {
  const title = h("h1", { tabindex: -1 });
  const list = h("ul.jobs");
  const made = h("div.made");
  root.append(
    h(
      "div.column.result-view",
      {},
      h(
        "div.result-top",
        {},
        title,
        h(
          "div.actions",
          {},
          h("a.button", { href: "#/queue" }, icon("queue"), "Queue"),
          h("a.button", { href: "#/film" }, icon("film"), "Another film"),
        ),
      ),
      list,
      made,
    ),
  );
  let card = null;
  let shown = null;

  async function render() {
    const job = jobs.value.get(id);
    if (!job) return;
    title.textContent = job.title;
    document.title = `${job.title} · Impasto`;
    if (card) card.show(job);
    else list.append((card = jobCard(job)).node);
    if (!job.picture || shown === job.picture) return;
    shown = job.picture;
    list.hidden = true;
    const picture = await get(`/pictures/${job.picture}`);
    if (!signal.aborted) fill(made, painted(picture, signal));
  }

  const refresh = () => render().catch(complain);
  jobs.watch(refresh, signal);
  on("job", (job) => job.id === id && card?.step(job), signal);
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

function painted(picture, signal) {
  const shown = player(picture, signal);
  return [
    h("div.painted-film", {}, shown.node, shown.bar),
    h(
      "div.actions",
      {},
      h("a.button.primary", { href: `#/gallery/${picture.id}` }, icon("gallery"), "In the gallery"),
      h(
        "a.button",
        { href: picture.file, download: picture.name },
        icon("download"),
        "Download",
      ),
    ),
  ];
}
