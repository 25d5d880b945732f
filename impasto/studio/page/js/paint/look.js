// The live look: while a dial moves, what `instant` paints, and only the last movement counts.

import { look } from "../core/api.js";
import { stylesOf, wholeRequest } from "./request.js";

const NAMES = ["strength", "stroke", "color"];
const WAIT = 90; // milliseconds: hands move faster than that

/**
 * Return a function that asks for a look at a state of the choices.
 * `show` hears {url}, {busy: true}, {error} or {none: true}.
 */
export function looker(show, signal) {
  let request = null;
  let timer = 0;
  let last = "";
  let url = null;

  const put = (state) => {
    if (url && (state.url || state.none)) URL.revokeObjectURL(url);
    url = state.url ?? (state.none ? null : url);
    show(state);
  };
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    request?.abort();
    if (url) URL.revokeObjectURL(url);
  });

  return (value, isWanted, map) => {
    const content = value.contents[value.active]?.source;
    const isTrained = value.styles.some((style) => style.part); // in which looks are not painted
    const asked =
      isWanted && content && value.styles.length && !isTrained
        ? {
            content,
            styles: stylesOf(value.styles),
            options: Object.fromEntries(
              NAMES.filter((n) => n in value.options).map((n) => [n, value.options[n]]),
            ),
            size: 512,
          }
        : null;
    const key = JSON.stringify([asked, map && asked && [map.version, value.regions]]);
    if (key === last) return;
    last = key;
    clearTimeout(timer);
    request?.abort();
    if (!asked) return put({ none: true });
    timer = setTimeout(() => ask(asked, value, map), WAIT);
  };

  async function ask(asked, value, map) {
    const mine = new AbortController();
    request = mine;
    put({ busy: true });
    try {
      if (map) {
        const { content_map, options } = await wholeRequest(value, map);
        if (content_map)
          Object.assign(asked, {
            content_map,
            options: { ...asked.options, region: options.region },
          });
        if (mine !== request || mine.signal.aborted) return;
      }
      const blob = await look(asked, mine.signal);
      if (mine === request) put({ url: URL.createObjectURL(blob) });
    } catch (error) {
      if (mine !== request || error.name === "AbortError" || error.isSuperseded) return;
      put({ error: error.message });
    }
  }
}
