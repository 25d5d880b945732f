// Files from a drop, a paste or the file chooser: sent, then a photograph or an offer of settings.

import { upload } from "../core/api.js";
import { notice } from "../core/notices.js";
import { go, here } from "../core/router.js";
import { counted } from "../core/format.js";
import { takeFilm } from "../film/state.js";
import { offer } from "./offer.js";
import { hasTask } from "./request.js";
import { addContents, contentOf } from "./state.js";

/** Send files one after the other; what is refused is said, the others go on. */
export async function sendAll(files, each) {
  const done = notice(`Sending ${counted(files.length, "file")}…`, { seconds: 600 });
  for (const file of files) {
    try {
      await each(await upload(file));
    } catch (error) {
      if (error.status === 401) break;
      notice(`${file.name || "The picture"}: ${error.message}`, { kind: "error" });
    }
  }
  done();
}

/** Take files as photographs; the settings of one that Impasto painted are offered. */
export async function takeFiles(files) {
  if (!files.length) return;
  await sendAll(files, (sent) => {
    if (sent.recipe) offer(sent, () => usePhotograph(sent));
    else usePhotograph(sent);
  });
}

function usePhotograph(sent) {
  if (sent.kind === "film" && hasTask("film")) {
    takeFilm(sent);
    return go("film");
  }
  if (sent.kind !== "picture") {
    notice(`${sent.name} is no photograph. Drop it among the styles.`, { kind: "error" });
    return;
  }
  addContents([contentOf(sent)]);
  if (here()[0] !== "paint") go("paint");
}
