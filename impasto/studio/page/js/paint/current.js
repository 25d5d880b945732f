// The jobs that were just begun: seen on the same page while they are painted.

import { fill, h } from "../core/dom.js";
import { isOver, jobs } from "../core/events.js";
import { seconds } from "../core/format.js";

const MOST = 4;

/** Make the row of jobs that were begun here; `follow(jobs)` adds some. */
export function currentJobs(signal) {
  const list = h("ul.current");
  const node = h("section.current-panel", { "aria-label": "Just begun", hidden: true }, list);
  let ids = JSON.parse(sessionStorage.getItem("impasto.begun") ?? "[]");
  let shown = "";

  function item(job) {
    const target = job.picture ? `#/gallery/${job.picture}` : "#/queue";
    const src = job.picture ? `/api/v1/pictures/${job.picture}/thumbnail` : job.preview;
    return h(
      "li",
      {},
      h(
        "a",
        { href: target, class: `is-${job.state}` },
        src ? h("img", { src, alt: "" }) : h("span.blank"),
        h("span.current-text", {}, h("b", {}, job.title), h("span", {}, said(job))),
        h("progress", {
          value: job.state === "done" ? 1 : job.done,
          max: 1,
          "aria-label": job.title,
        }),
      ),
    );
  }

  function render() {
    const known = ids.map((id) => jobs.value.get(id)).filter(Boolean);
    node.hidden = !known.length;
    const key = JSON.stringify(known.map((j) => [j.id, j.state, j.done, j.preview, j.picture]));
    if (key === shown) return;
    shown = key;
    const focused = list.contains(document.activeElement)
      ? [...list.querySelectorAll("a")].indexOf(document.activeElement)
      : -1;
    fill(list, known.map(item));
    if (focused >= 0) list.querySelectorAll("a")[focused]?.focus();
  }

  jobs.watch(render, signal);
  render();
  return {
    node,
    follow(begun) {
      ids = [...begun.map((job) => job.id), ...ids].slice(0, MOST);
      sessionStorage.setItem("impasto.begun", JSON.stringify(ids));
      render();
    },
  };
}

/** Return a job's state in words. */
export function said(job) {
  if (job.state === "running") {
    const left = job.seconds_left;
    const part = `${Math.round(job.done * 100)} %`;
    return left === null || left === undefined ? part : `${part}, ${seconds(left)} left`;
  }
  if (job.state === "done") return "Painted";
  return isOver(job) && job.message ? job.message : job.state[0].toUpperCase() + job.state.slice(1);
}
