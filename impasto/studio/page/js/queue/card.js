// One job: its picture so far, how far it is, and what can be done with it.

import { get, post } from "../core/api.js";
import { fill, h, uid } from "../core/dom.js";
import { isOver, learn, moment } from "../core/events.js";
import * as format from "../core/format.js";
import { icon } from "../core/icons.js";
import { complain, notice } from "../core/notices.js";
import { lossLine } from "./losses.js";

const ACTIONS = [
  ["next", "Run next", "next"],
  ["pause", "Pause", "pause"],
  ["retry", "Go on", "play"],
  ["cancel", "Cancel", "cancel"],
];
const DOING = { train: ["Training", "Trained"], study: ["Studying", "Studied"] };
const STATES = {
  waiting: "Waiting",
  running: "Painting",
  interrupted: "Interrupted",
  done: "Painted",
  failed: "Failed",
  cancelled: "Cancelled",
  paused: "Paused",
};

/** Make the card of a job; `show(job)` renews it, `step(job)` adds what an event tells. */
export function jobCard(first) {
  const id = uid("job");
  const image = h("img", { alt: "", hidden: true });
  const frame = h("a.job-picture", { tabindex: -1, "aria-hidden": "true" }, image);
  const title = h("h3", { id });
  const state = h("span.state");
  const facts = h("p.facts");
  const bar = h("progress", { max: 1, "aria-label": "Done" });
  const message = h("p.trouble", { hidden: true });
  const actions = h("div.actions");
  const line = lossLine();
  const node = h(
    "li.job",
    { tabindex: 0, "aria-labelledby": id },
    frame,
    h(
      "div.job-body",
      {},
      h("div.job-top", {}, title, state),
      bar,
      facts,
      message,
      line.node,
      actions,
    ),
  );
  let job = null;
  let shown = "";
  let last = ""; // the scale and iteration that the line ends with

  async function act(name, body) {
    try {
      const since = moment();
      const answer = await post(`/jobs/${job.id}/${name}`, body);
      learn(answer.jobs ?? [answer], since);
      if (name === "extend") notice("It goes on as a new job.", { seconds: 4 });
    } catch (error) {
      complain(error);
    }
  }

  function buttons() {
    const can = new Set(job.can ?? []);
    const made = ACTIONS.filter(([name]) => can.has(name)).map(([name, text, drawing]) =>
      h(
        "button.button",
        {
          type: "button",
          dataset: { action: name },
          "aria-label": `${label(name, text)}: ${job.title}`,
          onclick: () => act(name),
        },
        icon(drawing),
        h("span", {}, label(name, text)),
      ),
    );
    if (job.picture) {
      made.unshift(
        h("a.button.primary", { href: `#/gallery/${job.picture}` }, icon("open"), "Look at it"),
      );
    }
    if (job.files) {
      made.unshift(
        h("a.button.primary", { href: `#/${job.task}/${job.id}` }, icon("open"), "Look at it"),
      );
    }
    if (can.has("extend")) made.push(extendForm());
    return made;
  }

  const label = (name, text) => (name === "retry" && job.state !== "paused" ? "Try again" : text);

  function extendForm() {
    const count = h("input", {
      type: "number",
      min: 1,
      max: 100000,
      value: 50,
      required: true,
      "aria-label": `More iterations for ${job.title}`,
    });
    return h(
      "form.extend",
      {
        onsubmit: (event) => {
          event.preventDefault();
          act("extend", { iterations: Number(count.value) });
        },
      },
      count,
      h("button.button", { type: "submit" }, "More iterations"),
    );
  }

  function show(next) {
    const isFirst = !job;
    job = next;
    title.textContent = job.title || job.id;
    state.textContent = stateOf(job);
    node.dataset.state = job.state;
    state.title = job.worker ? `By ${job.worker}` : "";
    bar.hidden = job.state === "done" || job.state === "cancelled" || job.state === "failed";
    bar.value = job.done ?? 0;
    fill(
      facts,
      factsOf(job).map((fact) => h("span", {}, fact)),
    );
    message.textContent = job.message ?? "";
    message.hidden = !job.message || job.state === "done";
    message.classList.toggle("is-note", job.state !== "failed");
    const src = pictureOf(job);
    if (src && image.getAttribute("src") !== src) image.src = src;
    image.hidden = !src;
    if (job.picture) frame.href = `#/gallery/${job.picture}`;
    const key = JSON.stringify([job.can, job.picture, job.files, job.state]);
    if (key !== shown) {
      shown = key;
      const focused = document.activeElement?.dataset?.action;
      fill(actions, buttons());
      if (focused) actions.querySelector(`[data-action=${focused}]`)?.focus();
    }
    if (isFirst && job.state !== "waiting") fetchLosses();
  }

  async function fetchLosses() {
    try {
      line.begin((await get(`/jobs/${job.id}/losses`)).items);
    } catch {
      line.begin([]); // a line is no reason to complain
    }
  }

  show(first);
  return {
    node,
    show,
    step: (told) => {
      const at = `${told.scale} ${told.iteration}`;
      if (told.state === "running" && at !== last) line.add(told.losses);
      last = at;
    },
  };
}

// The picture as it is; before there is any, the photograph.
function pictureOf(job) {
  if (job.picture) return `/api/v1/pictures/${job.picture}/thumbnail`;
  const [content] = job.request?.contents ?? [];
  if (!job.preview && content?.upload) return `/api/v1/uploads/${content.upload}/thumbnail`;
  return job.preview;
}

/** Return a job's state in words. */
export function stateOf(job) {
  const [now, then] = DOING[job.task] ?? [];
  if (now && job.state === "running") return now;
  if (now && job.state === "done") return then;
  return STATES[job.state] ?? job.state;
}

function factsOf(job) {
  const facts = [job.method];
  if (job.state === "running" || job.state === "interrupted" || job.state === "paused") {
    if (job.place) facts.push(job.place);
    if (job.scales > 1) facts.push(`scale ${job.scale} of ${job.scales}`);
    if (job.iterations) facts.push(`iteration ${job.iteration} of ${job.iterations}`);
    if (job.width) facts.push(format.size(job.width, job.height));
  }
  if (job.state === "running") {
    facts.push(`${Math.round(job.done * 100)} %`);
    if (job.seconds_left !== null && job.seconds_left !== undefined) {
      facts.push(`${format.seconds(job.seconds_left)} left`);
    }
  }
  if (isOver(job)) facts.push(format.date(job.created));
  return facts.filter(Boolean);
}
