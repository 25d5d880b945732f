// Regions in the view "Paint": the brush over the photograph, and the list beside it.

import { LabelMap, sizeFor } from "../brush/labels.js";
import { editor } from "../brush/editor.js";
import { regionList } from "../brush/regions.js";
import { fill } from "../core/dom.js";
import { notice } from "../core/notices.js";
import { optionOf, methodOf } from "../core/schema.js";
import { paint, regionMap } from "./state.js";

/** Join brush, list and choices; `styles` is the style gallery. */
export function regionsOf(styles, signal) {
  const list = regionList(() => styles.items(), (regions) => paint.change({ regions }));
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
        picture: content.view, signal, feather, title: "Map of the regions",
        changed: () => regionMap.set({ map, of: content.view }),
      });
      open.of = content.view;
      fill(place, open.node);
      fill(list.soft, open.soft);
      open.focus();
    },
    show() {
      const map = current();
      if (regionMap.value.map && !map) regionMap.value.map = null;
      list.node.hidden = !isOpen && !(map && map.used().length > 1);
      list.show(map, paint.value.regions);
    },
  };
}
