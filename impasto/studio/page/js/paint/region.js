// Regions in the view "Paint": the brush over the photograph, and the list beside it.

import { get } from "../core/api.js";
import { LabelMap, rgb, sizeFor } from "../brush/labels.js";
import { editor } from "../brush/editor.js";
import { fromFile } from "../brush/mapfile.js";
import { regionList } from "../brush/regions.js";
import { fill } from "../core/dom.js";
import { notice } from "../core/notices.js";
import { optionOf, methodOf } from "../core/schema.js";
import { paint, regionMap } from "./state.js";

/** Take over the map and the regions of a request that was sent before, over a photograph. */
export async function restoreRegions(request, content) {
  const texts = request?.options?.region ?? [];
  if (!texts.length || !request.content_map?.upload || !content) return;
  const answer = await fetch(`/api/v1/uploads/${request.content_map.upload}/view`);
  const map = await fromFile(await answer.blob(), sizeFor(content.width, content.height));
  const { items } = await get("/styles");
  const regions = Object.fromEntries(texts.map((text) => regionOf(text, map.palette, items)));
  regionMap.set({ map, of: content.view });
  paint.change({ regions });
}

// A picture's view may have shifted a colour a little, so the map's nearest one is meant.
function regionOf(text, palette, styles) {
  const [colour, what] = [text.slice(0, 7), text.slice(8)];
  const far = (one) => rgb(one).reduce((sum, part, n) => sum + (part - rgb(colour)[n]) ** 2, 0);
  const nearest = palette.reduce((best, one) => (far(one) < far(best) ? one : best));
  const told = { keep: what === "keep", style: null, strength: null, color: "" };
  for (const word of what.replace("UPLOAD:", "UPLOAD=").split(":")) {
    const upload = word.startsWith("UPLOAD=") ? word.slice(7) : null;
    const style = styles.find((one) => one.id === word || (upload && one.upload === upload));
    if (style) told.style = { id: style.id, upload: style.upload ?? null };
    else if (word.startsWith("color=")) told.color = word.slice(6);
    else if (word !== "" && Number.isFinite(Number(word))) told.strength = Number(word);
  }
  return [nearest, told];
}

/** Join brush, list and choices; `styles` is the style gallery. */
export function regionsOf(styles, signal) {
  const list = regionList(
    () => styles.items(),
    (regions) => paint.change({ regions }),
  );
  let isOpen = false;
  let open = null; // the editor that is shown

  const feather = () =>
    Number(paint.value.options.feather ?? optionOf(methodOf(paint.value), "feather")?.default ?? 0);

  function mapFor(content) {
    const { map, of } = regionMap.value;
    if (map && of === content.view) return map;
    const { width, height } = sizeFor(content.width, content.height);
    return new LabelMap(width, height);
  }

  // A map belongs to its photograph.
  function current() {
    const content = paint.value.contents[0];
    return content && regionMap.value.of === content.view ? regionMap.value.map : null;
  }

  return {
    node: list.node,
    isOpen: () => isOpen,
    map: current,
    complain: list.complain,
    toggle() {
      if (!isOpen && paint.value.contents.length !== 1) {
        notice("Regions are drawn over one photograph. Leave the others out first.");
        return;
      }
      isOpen = !isOpen;
      paint.set(paint.value);
    },
    leave() {
      if (!isOpen) return false;
      isOpen = false;
      paint.set(paint.value);
      return true;
    },
    mount(place, content) {
      if (open?.of === content.view) return open.settle();
      const map = mapFor(content);
      open = editor(map, {
        picture: content.view,
        signal,
        feather,
        title: "Map of the regions",
        changed: () => regionMap.set({ map, of: content.view }),
      });
      open.of = content.view;
      fill(place, open.node);
      fill(list.soft, open.soft);
      open.focus();
    },
    show() {
      const map = current();
      list.node.hidden = !isOpen && !(map && map.used().length > 1);
      list.show(map, paint.value.regions);
    },
  };
}
