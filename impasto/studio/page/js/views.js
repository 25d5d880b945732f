// All views of the page: one row each, and a module with `view`.
//
// A row with a `task` appears once the studio's schema lists that task. A page for another one, as of
// films or sketches, is one more row here, an icon in core/icons.js, and its module.

export const VIEWS = [
  {
    name: "paint",
    title: "Paint",
    icon: "paint",
    key: "p",
    task: "stylize",
    load: () => import("./paint/view.js"),
  },
  { name: "queue", title: "Queue", icon: "queue", key: "q", load: () => import("./queue/view.js") },
  {
    name: "gallery",
    title: "Gallery",
    icon: "gallery",
    key: "g",
    load: () => import("./gallery/view.js"),
  },
  {
    name: "batch",
    title: "Batch",
    icon: "batch",
    key: "b",
    task: "stylize",
    isTask: true,
    load: () => import("./tasks/batch.js"),
  },
  {
    name: "live",
    title: "Live",
    icon: "live",
    key: "l",
    task: "live",
    isTask: true,
    load: () => import("./live/view.js"),
  },
  {
    name: "train",
    title: "Train",
    icon: "train",
    key: "r",
    task: "train",
    isTask: true,
    load: () => import("./tasks/train.js"),
  },
  {
    name: "study",
    title: "Study",
    icon: "study",
    key: "s",
    task: "study",
    isTask: true,
    load: () => import("./tasks/study.js"),
  },
  {
    name: "doodle",
    title: "Doodle",
    icon: "doodle",
    key: "d",
    task: "doodle",
    isTask: true,
    load: () => import("./doodle.js"),
  },
  {
    name: "texture",
    title: "Texture",
    icon: "texture",
    key: "t",
    task: "texture",
    isTask: true,
    load: () => import("./texture.js"),
  },
];
