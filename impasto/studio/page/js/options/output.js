// What is written: the file's kind, and the options that the schema has for it.

import { schema } from "../core/schema.js";
import { drawer } from "./drawer.js";

const SUFFIX = {
  name: "suffix",
  flag: "--out",
  title: "File",
  type: "string",
  default: ".png",
  panel: "The file",
  choices: [".png", ".jpg", ".webp", ".tiff", ".avif", ".jxl"],
  low: null,
  high: null,
  help: "What kind of file the picture is written to.",
};

/** Make the drawer of the file; `change(name, value)` hears what is set. */
export function outputDrawer(change) {
  const options = schema.output.some((option) => option.name === "suffix")
    ? schema.output
    : [SUFFIX, ...schema.output];
  const made = drawer(change, "The file");
  made.node.classList.add("is-short");
  return { ...made, show: (values) => made.show(options, values) };
}
