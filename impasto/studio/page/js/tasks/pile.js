// Photographs on their way to the studio: several at a time are sent, each can be left out.

import { uploadWatched } from "../core/api.js";
import { store } from "../core/store.js";

const AT_ONCE = 2;

/**
 * Make a pile, which is kept under a name over a reload of the page.
 * Its `items` are {key, name, bytes, state, part, upload, message}; `state` is "waiting", "sending",
 * "there" or "refused", `part` from 0 to 1. With `only`, a new photograph takes the place of the last.
 * `refusal(upload)` returns why an upload is none of the pile's, or nothing.
 */
export function pile(name, { only = false, refusal = noPhotograph } = {}) {
  const key = `impasto.pile.${name}`;
  const items = store(kept(key));
  const files = new Map(); // item's key -> what is to be sent
  const sent = new Map(); // item's key -> what ends its sending
  const listeners = new Set(); // hear of each upload
  let count = items.value.length;

  items.watch((all) =>
    sessionStorage.setItem(key, JSON.stringify(all.filter((item) => item.state === "there"))),
  );

  const change = (one, parts) =>
    items.set(items.value.map((item) => (item.key === one ? { ...item, ...parts } : item)));

  function add(chosen) {
    if (!chosen.length) return;
    if (only) clear();
    const added = [...chosen].slice(0, only ? 1 : undefined).map((file) => {
      count += 1;
      files.set(`${count}`, file);
      return {
        key: `${count}`,
        name: file.name,
        bytes: file.size,
        state: "waiting",
        part: 0,
        upload: null,
        message: "",
      };
    });
    items.set([...items.value, ...added]);
    for (let n = sent.size; n < AT_ONCE; n += 1) sendNext();
  }

  async function sendNext() {
    const item = items.value.find((one) => one.state === "waiting");
    if (!item) return;
    const life = new AbortController();
    sent.set(item.key, life);
    change(item.key, { state: "sending" });
    try {
      const upload = await uploadWatched(
        files.get(item.key),
        (part) => change(item.key, { part }),
        life.signal,
      );
      const message = refusal(upload);
      if (message) change(item.key, { state: "refused", message });
      else {
        change(item.key, { state: "there", part: 1, upload: shown(upload) });
        for (const listener of [...listeners]) listener(upload);
      }
    } catch (error) {
      if (error.name !== "AbortError")
        change(item.key, { state: "refused", message: error.message });
    }
    files.delete(item.key);
    sent.delete(item.key);
    sendNext();
  }

  function leaveOut(one) {
    items.set(items.value.filter((item) => item.key !== one));
    files.delete(one);
    sent.get(one)?.abort();
  }

  function clear() {
    const all = items.value;
    items.set([]);
    for (const item of all) leaveOut(item.key);
  }

  return {
    items,
    add,
    leaveOut,
    clear,
    only,
    /** Call with each upload that has come, until the signal ends it. */
    whenSent(listener, signal) {
      listeners.add(listener);
      signal.addEventListener("abort", () => listeners.delete(listener));
    },
    /** Put what the studio has already into an `only` pile. */
    put(upload) {
      clear();
      count += 1;
      const { name, bytes } = upload;
      const there = { state: "there", part: 1, upload: shown(upload), message: "" };
      items.set([{ key: `${count}`, name, bytes, ...there }]);
    },
    sources: () =>
      items.value.filter((item) => item.upload).map((item) => ({ upload: item.upload.id })),
    isBusy: () => items.value.some((item) => item.state === "waiting" || item.state === "sending"),
  };
}

const noPhotograph = ({ kind }) => (kind === "picture" ? "" : "This is no photograph.");

const shown = ({ id, width, height, thumbnail, view, film = null }) => ({
  id,
  width,
  height,
  thumbnail,
  view,
  film,
});

function kept(key) {
  try {
    return (JSON.parse(sessionStorage.getItem(key)) ?? []).map((item, n) => ({
      ...item,
      key: `${n + 1}`,
    }));
  } catch {
    return [];
  }
}
