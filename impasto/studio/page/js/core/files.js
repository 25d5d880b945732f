// Files that a person chooses, drops or pastes.

import { h } from "./dom.js";

/** Return the files of a drop or a paste. */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}

/** Let somebody choose files; resolves to what was chosen, nothing if it was left. */
export function choose({
  multiple = false,
  accept = "image/*,.heic,.tif,.tiff,.jxl,.jp2,.dng",
} = {}) {
  return new Promise((resolve) => {
    const input = h("input.unseen", {
      type: "file",
      multiple,
      accept,
      tabindex: -1,
      "aria-hidden": "true",
    });
    const end = () => {
      resolve([...input.files]);
      input.remove();
    };
    input.addEventListener("change", end);
    input.addEventListener("cancel", end);
    document.body.append(input);
    input.click();
  });
}

/** Show a place as a target while files are over it, and hand over what is dropped. */
export function dropzone(node, take) {
  let depth = 0;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (by) => {
    depth = Math.max(0, depth + by);
    node.classList.toggle("is-over", depth > 0);
  };
  node.addEventListener("dragenter", (e) => hasFiles(e) && mark(1));
  node.addEventListener("dragleave", (e) => hasFiles(e) && mark(-1));
  node.addEventListener("dragover", (e) => hasFiles(e) && e.preventDefault());
  node.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    mark(-depth);
    take(filesOf(event.dataTransfer));
  });
}
