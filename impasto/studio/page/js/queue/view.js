// The view "Queue": what is painted now, what waits, and what is over.

import { get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { isOver, jobs, learn, moment, on } from "../core/events.js";
import { bind } from "../core/keys.js";
import { complain } from "../core/notices.js";
import { jobCard } from "./card.js";
import { groupCard, groupsOf } from "./group.js";

const ORDER = { running: 0, interrupted: 1, paused: 2, waiting: 3 };

/** Show the view. */
export function view({ root, signal }) {
  const now = h("ul.jobs");
  const over = h("ul.jobs.over");
  const empty = h(
    "p.quiet.large",
    {},
    "Nothing is being painted. ",
    h("a", { href: "#/paint" }, "Choose a photograph"),
    ".",
  );
  const more = h(
    "button.button",
    { type: "button", hidden: true, onclick: fetchMore },
    "Older jobs",
  );
  const past = h(
    "section",
    { "aria-labelledby": "over" },
    h("h2", { id: "over" }, "Over"),
    over,
    more,
  );
  const cards = new Map();
  const groups = new Map();
  let next = null;

  root.append(h("div.column.queue-view", {}, h("h1", { tabindex: -1 }, "Queue"), empty, now, past));

  function card(job) {
    if (!cards.has(job.id)) cards.set(job.id, jobCard(job));
    const one = cards.get(job.id);
    one.show(job);
    return one.node;
  }

  // Jobs that were asked for together are one card, which is over once all of them are.
  function rows(sorted, together) {
    const seen = new Set();
    return sorted.flatMap((job) => {
      const members = together.get(job.group);
      if (!members) return card(job);
      if (seen.has(job.group)) return [];
      seen.add(job.group);
      if (!groups.has(job.group)) groups.set(job.group, groupCard(job.group));
      const one = groups.get(job.group);
      place(one.list, members.map(card));
      one.show(members);
      return one.node;
    });
  }

  function render() {
    const all = [...jobs.value.values()];
    const together = groupsOf(all);
    const isDone = (job) => (together.get(job.group) ?? [job]).every(isOver);
    const active = all.filter((job) => !isDone(job)).sort(byTurn);
    const done = all.filter(isDone).sort((a, b) => b.created.localeCompare(a.created));
    empty.hidden = active.length > 0;
    past.hidden = !done.length;
    place(now, rows(active, together));
    place(over, rows(done, together));
  }

  async function fetchMore() {
    try {
      const since = moment();
      const page = await get(`/jobs?limit=30${next ? `&before=${encodeURIComponent(next)}` : ""}`);
      next = page.next;
      more.hidden = !next;
      learn(page.items, since);
    } catch (error) {
      complain(error);
    }
  }

  jobs.watch(render, signal);
  on("job", (job) => cards.get(job.id)?.step(job), signal);
  bind("Shift+X", "Cancel the job that has the focus", () => press("cancel"), {
    signal,
    group: "Queue",
    also: ["Shift+x", "x"],
  });
  bind("j", "Next job", () => step(1), { signal, group: "Queue" });
  bind("k", "Job before", () => step(-1), { signal, group: "Queue" });

  function press(name) {
    document.activeElement?.closest(".job")?.querySelector(`[data-action=${name}]`)?.click();
  }

  function step(by) {
    const all = [...root.querySelectorAll(".job")].filter((one) => one.checkVisibility());
    const at = all.indexOf(document.activeElement?.closest(".job"));
    all[Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
  }

  render();
  fetchMore();
}

function byTurn(a, b) {
  return (
    (ORDER[a.state] ?? 9) - (ORDER[b.state] ?? 9) ||
    a.priority - b.priority ||
    a.created.localeCompare(b.created)
  );
}

// Moves only what is not in its place, so that the focus stays where it is.
function place(list, nodes) {
  nodes.forEach((node, n) => {
    if (list.children[n] !== node) list.insertBefore(node, list.children[n] ?? null);
  });
  while (list.children.length > nodes.length) list.lastElementChild.remove();
  if (!nodes.length) fill(list);
}
