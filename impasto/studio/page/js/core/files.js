// Files that a person chooses, drops or pastes.

import { h } from "./dom.js";

/** Return the files of a drop or a paste. */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}

/** What a chooser of films offers. */
export const FILMS = "video/*,.mkv,.mts,.m2ts,.mxf,image/gif,image/webp,image/apng";

const PICTURES = "image/*,.heic,.heif,.tif,.tiff,.jxl,.jp2,.dng";
const ENDINGS = new Set(PICTURES.split(",").slice(1));

/** Whether a file of a folder is a picture by its kind or its name; hidden ones are not. */
export function looksLikePicture({ name, type }) {
  if (name.startsWith(".")) return false;
  return type.startsWith("image/") || ENDINGS.has(name.slice(name.lastIndexOf(".")).toLowerCase());
}

/** Return the files of a drop, also those of folders in it, at any depth. */
export async function filesBelow(transfer) {
  // The entries are there only while the event lasts.
  const entries = [...(transfer?.items ?? [])]
    .map((item) => item.webkitGetAsEntry?.())
    .filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return filesOf(transfer);
  return (await Promise.all(entries.map(below))).flat();
}

async function below(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // it tells a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  found.sort((a, b) => a.name.localeCompare(b.name));
  return (await Promise.all(found.map(below))).flat().filter(looksLikePicture);
}

/** Let somebody choose files, or all of a folder; resolves to what was chosen, nothing if it was left. */
export function choose({ multiple = false, accept = PICTURES, folder = false } = {}) {
  return new Promise((resolve) => {
    const input = h("input.unseen", {
      type: "file",
      multiple,
      accept,
      webkitdirectory: folder,
      tabindex: -1,
      "aria-hidden": "true",
    });
    const end = () => {
      resolve(folder ? [...input.files].filter(looksLikePicture) : [...input.files]);
      input.remove();
    };
    input.addEventListener("change", end);
    input.addEventListener("cancel", end);
    document.body.append(input);
    input.click();
  });
}

/** Show a place as a target while files are over it, and hand over what is dropped, as `read` finds it. */
export function dropzone(node, take, read = filesOf) {
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (by) => {
    depth = Math.max(0, depth + by);
    node.classList.toggle("is-over", depth > 0);
  };
  node.addEventListener("dragenter", (e) => hasFiles(e) && mark(1));
  node.addEventListener("dragleave", (e) => hasFiles(e) && mark(-1));
  node.addEventListener("dragover", (e) => hasFiles(e) && e.preventDefault());
  node.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(-depth);
    take(await read(event.dataTransfer));
  });
}
