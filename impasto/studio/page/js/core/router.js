// Views by the part of the address after #/. A view is a module with `view(place)`.

let leave = null;
let routes = [];
let turn = 0;

/** Go to a view, as a link would. */
export function go(path) {
  if (location.hash === `#/${path}`) show();
  else location.hash = `#/${path}`;
}

/** Return the current view's name and what follows it: ["gallery", "0a…"]. */
export function here() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean);
  return [name || "paint", ...rest.map(decodeURIComponent)];
}

/**
 * Show views in `main` from now on.
 * A route has `name`, `load` (gives its module) and `title`; `onshow` hears the name.
 */
export function route(main, table, onshow) {
  routes = table.map((row) => ({ ...row, main, onshow }));
  window.addEventListener("hashchange", show);
  return show();
}

async function show() {
  const [name, ...rest] = here();
  const row = routes.find((r) => r.name === name) ?? routes[0];
  turn += 1;
  const mine = turn;
  const module = await row.load();
  if (mine !== turn) return; // another view was asked for meanwhile
  leave?.abort();
  leave = new AbortController();
  row.main.replaceChildren();
  document.title = `${row.title} · Impasto`;
  row.onshow(row.name);
  window.scrollTo(0, 0);
  module.view({ root: row.main, rest, signal: leave.signal });
  row.main.querySelector("h1")?.focus({ preventScroll: true });
}
