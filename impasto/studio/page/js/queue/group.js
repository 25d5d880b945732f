// Jobs that were asked for together: one line of progress, one way to end them all.

import { get, post, query } from "../core/api.js";
import { fill, h, uid } from "../core/dom.js";
import { isOver, learn, moment } from "../core/events.js";
import { counted } from "../core/format.js";
import { icon } from "../core/icons.js";
import { complain } from "../core/notices.js";

const AT_ONCE = 4;
const SHOWN = 4; // pictures on a card

/** Return groups of several jobs: their name -> their jobs, as they were asked for. */
export function groupsOf(jobs) {
  const groups = Map.groupBy(
    jobs.filter((job) => job.group),
    (job) => job.group,
  );
  return new Map(
    [...groups]
      .filter(([, members]) => members.length > 1)
      .map(([name, members]) => [name, members.sort((a, b) => a.created.localeCompare(b.created))]),
  );
}

/** Fetch all jobs of a group; returns them. */
export async function fetchGroup(group) {
  const found = [];
  const since = moment();
  let before = null;
  do {
    const page = await get(`/jobs${query({ group, limit: 200, before })}`);
    found.push(...page.items);
    before = page.next;
  } while (before);
  learn(found, since);
  return found;
}

/** Cancel all jobs of a group that can be. */
export async function cancelAll(members) {
  const left = members.filter((job) => job.can?.includes("cancel"));
  // The last first: otherwise each that ends lets the next one begin.
  const next = async () => {
    for (let job = left.pop(); job; job = left.pop()) {
      const since = moment();
      learn([await post(`/jobs/${job.id}/cancel`)], since);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  } catch (error) {
    complain(error);
  }
}

/** Return how far a group is: the part from 0 to 1, and in words. */
export function progressOf(members) {
  const count = (state) => members.filter((job) => job.state === state).length;
  const ended = (job) => (isOver(job) ? 1 : (job.done ?? 0));
  const words = [
    `${count("done")} of ${members.length} painted`,
    count("running") ? `${count("running")} being painted` : "",
    count("failed") ? `${count("failed")} failed` : "",
    count("cancelled") ? `${count("cancelled")} cancelled` : "",
  ];
  return {
    part: members.reduce((sum, job) => sum + ended(job), 0) / members.length,
    words: words.filter(Boolean),
  };
}

/** Make the button that cancels all; `members()` returns the jobs. */
export const cancelButton = (members) =>
  h(
    "button.button",
    { type: "button", dataset: { action: "cancel" }, onclick: () => cancelAll(members()) },
    icon("cancel"),
    h("span", {}, "Cancel all"),
  );

/** Make the card of a group; `show(jobs)` renews it, their own cards go into `list`. */
export function groupCard(group) {
  const id = uid("group");
  const title = h("h3", { id });
  const state = h("span.state");
  const bar = h("progress", { max: 1, "aria-label": "Done of all" });
  const facts = h("p.facts");
  const mosaic = h("a.job-picture.mosaic", {
    href: `#/batch/${group}`,
    tabindex: -1,
    "aria-hidden": "true",
  });
  const list = h("ul.group-jobs");
  let members = [];
  const cancel = cancelButton(() => members);
  const sheet = h("a.button", { href: `#/batch/${group}` }, icon("gallery"), "Contact sheet");
  const node = h(
    "li.job.job-group",
    { tabindex: 0, "aria-labelledby": id },
    mosaic,
    h(
      "div.job-body",
      {},
      h("div.job-top", {}, title, state),
      bar,
      facts,
      h("div.actions", {}, sheet, cancel),
    ),
    h("details.group-parts", {}, h("summary", {}, "Each picture"), list),
  );
  let shown = "";

  function show(now) {
    members = now;
    const { part, words } = progressOf(members);
    const isDone = members.every(isOver);
    title.textContent = `Batch of ${counted(members.length, "picture")}`;
    state.textContent = isDone
      ? "Over"
      : members.some((job) => job.state === "running")
        ? "Painting"
        : "Waiting";
    node.dataset.state = isDone
      ? "done"
      : members.some((job) => job.state === "running")
        ? "running"
        : "waiting";
    bar.hidden = isDone;
    bar.value = part;
    fill(
      facts,
      words.map((word) => h("span", {}, word)),
    );
    cancel.hidden = !members.some((job) => job.can?.includes("cancel"));
    sheet.classList.toggle("primary", isDone);
    const painted = members
      .filter((job) => job.picture)
      .slice(0, SHOWN)
      .map((job) => job.picture);
    if (shown !== painted.join()) {
      shown = painted.join();
      fill(
        mosaic,
        painted.map((one) => h("img", { src: `/api/v1/pictures/${one}/thumbnail`, alt: "" })),
      );
      mosaic.classList.toggle("is-one", painted.length === 1);
    }
  }

  // Those that were over before the page was opened are told by the list alone.
  fetchGroup(group).catch(complain);
  return { node, list, show };
}
