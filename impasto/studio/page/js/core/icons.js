// Line drawings of 24 × 24, all in the colour of the text beside them.

import { svg } from "./dom.js";

const PATHS = {
  add: "M12 5v14M5 12h14",
  batch: "M8 8h12v12H8zM4 16V4h12M8 17l4-4 3 3 2-1 3 3",
  brush: "M20 4c-5 2-9 6-11 10l1 1c4-2 8-6 10-11zM8 15c-3 0-3 3-5 5 3 1 7 0 7-3z",
  cancel: "M6 6l12 12M18 6L6 18",
  check: "M4 12l5 6L20 6",
  clear: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  compare: "M12 3v18M4 6h5M4 18h5M4 6v12M15 6h5v12h-5",
  doodle: "M4 18c4-14 7 6 9-4 1-5 4-4 7-8M4 21h16",
  down: "M6 9l6 6 6-6",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  eraser: "M4 15l9-9 6 6-8 8H8zM9 10l6 6M5 20h15",
  fill: "M4 12l8-8 7 7-8 8zM4 12h15M20 15c2 3 1 5 0 5s-2-2 0-5z",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.5h4M4 14.5h4M16 9.5h4M16 14.5h4",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  gallery: "M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z",
  hand: "M8 12V6a1.5 1.5 0 013 0v5V4.500a1.500 1.500 0 013 0V11V6a1.500 1.500 0 013 0v8c0 4-2 6-5 6s-4-1-6-4l-2-4c1-1 3-1 4 1z",
  help: "M9 9a3 3 0 116 0c0 2-3 2-3 5M12 18v.5",
  left: "M15 5l-7 7 7 7",
  loop: "M17 3l3 3-3 3M4 11V9a3 3 0 013-3h13M7 21l-3-3 3-3M20 13v2a3 3 0 01-3 3H4",
  live: "M3 6h12v12H3zM15 10l6-3v10l-6-3",
  menu: "M4 7h16M4 12h16M4 17h16",
  folder: "M3 6h6l2 2h10v11H3z",
  more: "M5 11.5v1M12 11.5v1M19 11.5v1",
  moon: "M20 14A8 8 0 1110 4a7 7 0 0010 10z",
  next: "M5 5l8 7-8 7zM17 5v14",
  open: "M14 4h6v6M20 4l-9 9M10 5H5v14h14v-5",
  paint:
    "M12 3a9 9 0 100 18c2 0 2-2 1-3s0-3 2-3h3c2 0 3-1 3-3 0-5-4-9-9-9zM7.500 11v.5M11 7.500v.5M15.500 8.500v.5",
  pause: "M8 5v14M16 5v14",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 3-2 4 4M15 9.500v.5",
  play: "M7 4l12 8-12 8z",
  queue: "M4 6h16M4 12h10M4 18h6M17 14v6M14 17l3 3 3-3",
  redo: "M20 8H9a5 5 0 000 10h6M16 4l4 4-4 4",
  retry: "M20 12a8 8 0 11-3-6M17 2v4h-4",
  right: "M9 5l7 7-7 7",
  search: "M10.500 4a6.500 6.500 0 100 13 6.500 6.500 0 000-13zM15.500 15.500L20 20",
  side: "M4 5h7v14H4zM13 5h7v14h-7z",
  study: "M4 4v16h16M7 16l4-6 4 3 5-8",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.500 1.500M17.500 17.500L19 19M19 5l-1.500 1.500M6.500 17.500L5 19",
  sound: "M4 10v4h3l5 4V6l-5 4zM16 9c1.500 2 1.500 4 0 6M18.500 6.500c3 3.500 3 7.500 0 11",
  silent: "M4 10v4h3l5 4V6l-5 4zM16 9.500l5 5M21 9.500l-5 5",
  texture: "M4 8c4-4 5 4 8 0s5 0 8 0M4 14c4-4 5 4 8 0s5 0 8 0M4 20c4-4 5 4 8 0s5 0 8 0",
  train: "M12 4L2 9l10 5 10-5zM6 11.5V17c3 3 9 3 12 0v-5.500M22 9v6",
  undo: "M4 8h11a5 5 0 010 10H9M8 4L4 8l4 4",
  upload: "M12 16V4M7 8l5-5 5 5M5 20h14",
  stop: "M6 6h12v12H6z",
  zoom: "M10.500 4a6.500 6.500 0 100 13 6.500 6.500 0 000-13zM15.500 15.500L20 20M10.500 8v5M8 10.500h5",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
};

/** Return an icon, hidden from screen readers: the button around it has the label. */
export function icon(name) {
  const drawing = svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" });
  drawing.append(svg("path", { d: PATHS[name] }));
  return drawing;
}
