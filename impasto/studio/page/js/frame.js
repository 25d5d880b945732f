// The frame: navigation, the way out, keys for the whole page, files dropped or pasted anywhere.

import { remove } from "./core/api.js";
import { fill, h } from "./core/dom.js";
import { connection, isOver, jobs, on } from "./core/events.js";
import { filesOf } from "./core/files.js";
import { icon } from "./core/icons.js";
import { bind } from "./core/keys.js";
import { complain, notice, say } from "./core/notices.js";
import { go, here, route } from "./core/router.js";
import { schema } from "./core/schema.js";
import * as theme from "./core/theme.js";
import { showHelp } from "./help.js";
import { groupsOf, progressOf } from "./queue/group.js";
import { takeFiles } from "./paint/intake.js";
import { VIEWS } from "./views.js";

/** Build the frame and show the view that the address names. */
export function showFrame(body, about) {
  const views = VIEWS.filter((view) => !view.task || view.task in schema.tasks);
  const main = h("main", { id: "main", tabindex: -1 });
  const links = new Map(views.map((view) => [view.name, link(view)]));
  const menu = moreMenu(views.filter((view) => view.isTask).map((view) => links.get(view.name)));
  fill(
    body,
    h(
      "a.skip",
      {
        href: "#main",
        onclick: (event) => {
          event.preventDefault(); // the address holds the view
          main.focus();
        },
      },
      "Skip to the content",
    ),
    h(
      "header.bar",
      {},
      h(
        "a.brand",
        { href: "#/paint" },
        h("img", { src: "icon.svg", alt: "", width: 28, height: 28 }),
        h("span", {}, "Impasto"),
      ),
      h(
        "nav",
        { "aria-label": "Views" },
        views.filter((view) => !view.isTask).map((view) => links.get(view.name)),
        menu.node,
      ),
      h("div.bar-end", {}, lostSign(), themeButton(), helpButton(), about.user && outButton(about)),
    ),
    main,
  );
  watchQueue(links.get("queue"));
  bindKeys(views);
  takeAnywhere(body);
  on("picture", (picture) => {
    if (groupsOf([...jobs.value.values()]).has(jobs.value.get(picture.job)?.group)) return;
    // The view that it was begun in shows it itself.
    const [name, job] = here();
    const isShown = name === "film" && job === picture.job;
    if (isShown || main.querySelector(`.current [href="#/gallery/${picture.id}"]`))
      return say(`Painted: ${picture.title}`);
    notice(`Painted: ${picture.title || picture.name}`, {
      action: { label: "Look at it", run: () => go(`gallery/${picture.id}`) },
    });
  });
  on("job", (job, before) => {
    if (job.files && before && !before.files) {
      notice(`Done: ${job.title}`, {
        action: { label: "Look at it", run: () => go(`${job.task}/${job.id}`) },
      });
    }
    if (before && isOver(job) && !isOver(before)) sayIfGroupIsOver(job);
    if (job.state === "failed" && before?.state !== "failed" && before) {
      notice(`${job.title}: ${job.message}`, { kind: "error" });
    }
  });
  route(main, views, (name) => {
    for (const [key, node] of links) {
      if (key === name) node.setAttribute("aria-current", "page");
      else node.removeAttribute("aria-current");
    }
    menu.show();
  });
}

// Of jobs that were asked for together only the end of all is said.
function sayIfGroupIsOver({ group }) {
  const members = groupsOf([...jobs.value.values()]).get(group);
  if (!members?.every(isOver) || !members.some((job) => job.state === "done")) return;
  notice(`${progressOf(members).words.join(", ")}.`, {
    action: { label: "Look at them", run: () => go(`batch/${group}`) },
  });
}

// On a narrow screen the tasks' links are behind a button; on a wide one they stand in the row.
function moreMenu(links) {
  const list = h("div.more-links", { id: "more-views" }, links);
  const button = h(
    "button.more-button",
    {
      type: "button",
      "aria-expanded": "false",
      "aria-controls": "more-views",
      onclick: () => open(!node.classList.contains("is-open")),
    },
    icon("more"),
    h("span", {}, "More"),
  );
  const node = h("div.nav-more", {}, button, list);
  function open(isOpen) {
    node.classList.toggle("is-open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
  }
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !node.classList.contains("is-open")) return;
    event.stopPropagation();
    open(false);
    button.focus();
  });
  document.addEventListener("click", (event) => !node.contains(event.target) && open(false));
  return {
    node,
    show() {
      open(false);
      button.classList.toggle(
        "is-current",
        links.some((one) => one.hasAttribute("aria-current")),
      );
    },
  };
}

function link(view) {
  return h(
    "a",
    { href: `#/${view.name}`, title: `${view.title} (g ${view.key})` },
    icon(view.icon),
    h("span", {}, view.title),
  );
}

function watchQueue(node) {
  const badge = h("b.badge", { hidden: true });
  node.append(badge);
  const count = () => {
    const n = [...jobs.value.values()].filter((job) => !isOver(job)).length;
    badge.hidden = n === 0;
    fill(badge, n, h("span.unseen", {}, n === 1 ? " job under way" : " jobs under way"));
  };
  jobs.watch(count);
  count();
}

function lostSign() {
  const sign = h("span.lost", { role: "status" });
  connection.watch((state) => {
    sign.textContent = state === "lost" ? "Connection lost, trying again…" : "";
  });
  return sign;
}

function themeButton() {
  const button = h("button.bare", { type: "button", onclick: () => show(theme.toggle()) });
  function show(now) {
    const other = now === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Change to ${other} colours`);
    button.title = `Change to ${other} colours`;
    fill(button, icon(now === "dark" ? "sun" : "moon"));
  }
  show(theme.current());
  return button;
}

function helpButton() {
  return h(
    "button.bare",
    {
      type: "button",
      "aria-label": "Help and keys",
      title: "Help and keys (?)",
      onclick: showHelp,
    },
    icon("help"),
  );
}

function outButton(about) {
  const leave = async () => {
    try {
      await remove("/session");
      location.reload();
    } catch (error) {
      complain(error);
    }
  };
  return h(
    "button.bare",
    {
      type: "button",
      "aria-label": `Sign out (${about.user})`,
      title: `Sign out (${about.user})`,
      onclick: leave,
    },
    icon("leave"),
  );
}

function bindKeys(views) {
  bind("?", "Show this list", showHelp);
  for (const view of views) {
    bind(`g ${view.key}`, `Go to ${view.title}`, () => go(view.name));
  }
  bind("Ctrl+v", "Paste a photograph", () => false); // by the browser's own event
}

// A view's own places for files come first; what falls beside them is taken here.
function takeAnywhere(body) {
  document.addEventListener("dragover", (event) => {
    if ([...(event.dataTransfer?.types ?? [])].includes("Files")) {
      event.preventDefault();
      body.classList.add("is-dropping");
    }
  });
  const end = () => body.classList.remove("is-dropping");
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) end();
  });
  document.addEventListener("drop", end, true);
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    takeFiles(filesOf(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    const files = filesOf(event.clipboardData);
    if (files.length) takeFiles(files);
  });
}
