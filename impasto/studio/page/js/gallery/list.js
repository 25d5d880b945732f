// The pictures of a search, page after page. It outlives the view, so that one comes back to it.

import { get, query } from "../core/api.js";
import { on } from "../core/events.js";
import { store } from "../core/store.js";

const PAGE = 100;

/** What is searched for. */
export const search = { q: "", style: "", method: "", since: "", until: "" };

/** {items, total, next, isLoading, isDone, error}. */
export const found = store({ items: [], total: null, next: null, isDone: false, error: null });

let loading = null;

/** Where one had scrolled to. */
export const remembered = { top: 0 };

/** Fetch the next page; does nothing while one is fetched, or after the last. */
export function more() {
  if (loading || found.value.isDone) return loading;
  loading = fetchPage().finally(() => {
    loading = null;
  });
  return loading;
}

async function fetchPage() {
  const mine = JSON.stringify(search);
  try {
    const page = await get(
      `/pictures${query({ ...search, ...whole(search), limit: PAGE, before: found.value.next })}`,
    );
    if (mine !== JSON.stringify(search)) return;
    const known = new Set(found.value.items.map((item) => item.id));
    found.set({
      items: [...found.value.items, ...page.items.filter((item) => !known.has(item.id))],
      total: page.total,
      next: page.next,
      isDone: !page.next,
      error: null,
    });
  } catch (error) {
    found.change({ error, isDone: true });
  }
}

// Days as times: from the morning of the first to the end of the last.
function whole({ since, until }) {
  return {
    since: since && new Date(`${since}T00:00:00`).toISOString(),
    until: until && new Date(`${until}T23:59:59.999`).toISOString(),
  };
}

/** Begin a search anew. */
export async function renew(changes = {}) {
  Object.assign(search, changes);
  await loading;
  remembered.top = 0;
  found.set({ items: [], total: null, next: null, isDone: false, error: null });
  return more();
}

/** Return the pictures before and after one, null where there is none. */
export function beside(id) {
  const { items } = found.value;
  const at = items.findIndex((item) => item.id === id);
  return at < 0 ? [null, null] : [items[at - 1] ?? null, items[at + 1] ?? null];
}

const isSearching = () => Object.values(search).some(Boolean);

on("picture", (picture) => {
  const { items, total } = found.value;
  if (total === null || items.some((item) => item.id === picture.id)) return;
  if (isSearching()) return void renew(); // whether it is found is the studio's to say
  const all = [...items, picture].sort((a, b) => b.created.localeCompare(a.created));
  found.change({ items: all, total: total + 1 });
});

on("gone", ({ picture }) => {
  const { items, total } = found.value;
  const rest = items.filter((item) => item.id !== picture);
  if (rest.length < items.length) found.change({ items: rest, total: total - 1 });
});
