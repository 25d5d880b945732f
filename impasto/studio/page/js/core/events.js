// The studio's one stream of events: what jobs do, and which pictures come and go.

import { get } from "./api.js";
import { store } from "./store.js";

/** All jobs that are known, by their IDs. */
export const jobs = store(new Map());

/** Whether the stream is there: "waiting", "open", "lost". */
export const connection = store("waiting");

const listeners = { job: new Set(), picture: new Set(), gone: new Set() };
let source = null;

/** Call at each event of a kind (`job`, `picture`, `gone`), until the signal ends it. */
export function on(kind, listener, signal) {
  listeners[kind].add(listener);
  signal?.addEventListener("abort", () => listeners[kind].delete(listener));
}

let count = 0; // of the events
const heard = new Map(); // at which of them a job was last told

/** Return a mark of now, for `learn`. */
export const moment = () => count;

/**
 * Put jobs from an answer among those that are known. `since` is when it was asked for: what events
 * have told of a job after that is newer. Without it only new jobs are taken.
 */
export function learn(items, since = -1) {
  const known = new Map(jobs.value);
  for (const job of items) {
    if (!known.has(job.id) || (heard.get(job.id) ?? 0) <= since) known.set(job.id, job);
  }
  jobs.set(known);
}

/** Begin to listen; whatever breaks the stream, it is begun again. */
export function listen() {
  source?.close();
  const mine = new EventSource("/api/v1/events");
  source = mine;
  source.onopen = () => {
    if (connection.value === "lost") refresh();
    connection.set("open");
  };
  source.onerror = () => {
    connection.set("lost");
    // The browser itself tries again, except after an answer that is no stream.
    setTimeout(() => {
      if (mine === source && mine.readyState === EventSource.CLOSED) listen();
    }, 3000);
  };
  for (const kind of Object.keys(listeners)) {
    source.addEventListener(kind, (event) => {
      const told = JSON.parse(event.data);
      const before = kind === "job" ? jobs.value.get(told.id) : null;
      if (kind === "job") {
        count += 1;
        heard.set(told.id, count);
        learn([told], count);
      }
      for (const listener of [...listeners[kind]]) listener(told, before);
    });
  }
}

/** End the stream, as when the user signs out. */
export function hush() {
  source?.close();
  source = null;
  jobs.set(new Map());
  connection.set("waiting");
}

// Jobs that ended while the stream was away are told by the list alone.
async function refresh() {
  try {
    const since = moment();
    learn((await get("/jobs?limit=50")).items, since);
  } catch {
    // The next event, or the next opening, will tell.
  }
}

const OVER = new Set(["done", "failed", "cancelled"]);

/** Whether nothing more happens to a job by itself. */
export const isOver = (job) => OVER.has(job.state);
