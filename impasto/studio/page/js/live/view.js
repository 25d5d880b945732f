// The view "Live": a camera or a clip, painted as it is seen.

import { post, upload } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { learn } from "../core/events.js";
import { choose, dropzone } from "../core/files.js";
import { icon } from "../core/icons.js";
import { bind } from "../core/keys.js";
import { complain as shout, say } from "../core/notices.js";
import { schema } from "../core/schema.js";
import { store } from "../core/store.js";
import { currentJobs } from "../paint/current.js";
import { segment } from "../paint/dials.js";
import { stylesOf } from "../paint/request.js";
import { chosenStyle } from "../paint/state.js";
import { styleGallery } from "../paint/styles.js";
import { openLine } from "./line.js";
import { drawn, playCamera, playClip, player } from "./source.js";

const GROUP = "Live";
const SIZES = [0, 224, 320, 448, 640];
const MEASURED = 2000; // milliseconds over which the rate is shown
const QUALITY = 0.85;
const FIRST = "starry-night"; // seen at once, also in a small picture
const CLIPS = "video/*,.mkv,.mov";

const option = (name) => schema.live.find((one) => one.name === name);
const state = store({ styles: [], strength: null, size: 0, isMirrored: true });

/** Show the view. */
export function view({ root, signal }) {
  const styles = styleGallery(signal, { state, takesTrained: true });
  const stage = stageOf(signal, { onframe: show, onstate: refresh });
  const strength = strengthDial((value) => state.change({ strength: value }));
  const sizes = sizeDial((value) => state.change({ size: value }));
  const current = currentJobs(signal);
  const told = h("p.live-told.quiet", { role: "status" });
  const keep = button("paint", "Paint this picture", paintThis, "Paint what is seen now (s)");
  keep.classList.add("primary", "large");

  root.append(
    h(
      "div.paint-view.live-view",
      {},
      h("div.stage-column", {}, h("h1.unseen", { tabindex: -1 }, "Live"), stage.node, current.node),
      h(
        "div.side",
        {},
        styles.node,
        h("section.dial-panel.dials", { "aria-label": "Dials" }, strength.node, sizes.node),
        h(
          "p.help",
          {},
          "Pictures that come too fast are left out, so that none is late. Paint this picture " +
            "puts what is seen into the queue, in its full size.",
        ),
        h("div.go", {}, told, keep),
      ),
    ),
  );

  bind("s", "Paint this picture", paintThis, { signal, group: GROUP });
  bind("n", "Next style", () => turn(1), { signal, group: GROUP });
  bind("b", "Style before", () => turn(-1), { signal, group: GROUP });
  bind("c", "Hold to see the camera", () => stage.compare(true), {
    signal,
    group: GROUP,
    up: () => stage.compare(false),
  });

  function turn(by) {
    const items = styles.items();
    if (!items.length) return;
    const at = items.findIndex((item) => item.id === state.value.styles[0]?.id);
    const next = items[(Math.max(at, by > 0 ? -1 : 0) + by + items.length) % items.length];
    state.change({ styles: [chosenStyle(next)] });
    say(next.title);
  }

  function refresh() {
    if (!state.value.styles.length && styles.items().length) {
      const first = styles.items().find((item) => item.id === FIRST) ?? styles.items()[0];
      return state.change({ styles: [chosenStyle(first)] });
    }
    strength.show(state.value.strength ?? option("strength").default);
    sizes.show(state.value.size);
    stage.ask();
    keep.classList.toggle("is-waiting", !stage.isPlaying);
    if (!stage.isPlaying) told.textContent = "";
  }

  function show({ width, height, rate }) {
    told.textContent = `${Math.max(width, height)} pixels, ${rate.toFixed(0)} pictures a second`;
  }

  async function paintThis() {
    if (keep.disabled) return;
    if (!stage.isPlaying) return stage.complain("Start the camera, or choose a clip.");
    keep.disabled = true;
    try {
      const sent = await upload(await stage.photograph());
      const { jobs } = await post("/jobs", {
        task: "stylize",
        contents: [{ upload: sent.id }],
        styles: stylesOf(state.value.styles),
        preset: schema.usual,
        options: { strength: state.value.strength ?? option("strength").default },
      });
      learn(jobs);
      current.follow(jobs);
      say("The picture is in the queue.");
    } catch (error) {
      shout(error);
    } finally {
      keep.disabled = false;
    }
  }

  state.watch(refresh, signal);
  refresh();
}

// The stage: the painted picture, the camera in its corner, and what begins and ends it.
function stageOf(signal, { onframe, onstate }) {
  const video = player();
  const painted = h("canvas.live-painted", { role: "img", "aria-label": "The painted picture" });
  const canvas = document.createElement("canvas");
  const trouble = h("p.trouble", { role: "alert", hidden: true });
  const inner = h("div.picture-box", {}, painted, video);
  const box = h("div.stage-frame.live-frame", { hidden: true }, inner);
  const empty = h(
    "div.empty.is-still",
    {},
    h("span.empty-art", {}, icon("live")),
    h("strong", {}, "Paint what your camera sees"),
    h("span", {}, "or drop a clip here"),
    h(
      "div.live-begin",
      {},
      button("live", "Start the camera", () => begin((end) => playCamera(video, end)), "", true),
      button("folder", "Choose a clip", async () => {
        const [file] = await choose({ accept: CLIPS });
        if (file) clip(file);
      }),
    ),
    h("small.quiet", {}, "The pictures go to this studio, and nowhere else. None is kept."),
  );
  const mirror = h("input.switch", {
    type: "checkbox",
    role: "switch",
    checked: state.value.isMirrored,
    onchange: () => {
      state.change({ isMirrored: mirror.checked });
      turnMirror();
    },
  });
  const tools = h(
    "div.stage-tools",
    { hidden: true },
    h(
      "button.chip",
      { type: "button", onclick: () => stop() },
      icon("stop"),
      h("span", {}, "Stop"),
    ),
    h("label.inline", {}, mirror, "Mirror"),
    h("span.stage-caption", {}, "Hold c to see the camera"),
  );
  const node = h("section.stage", { "aria-label": "The picture" }, trouble, empty, box, tools);
  let line = null;
  let end = null; // of the camera or the clip
  let isCamera = false;
  let side = 224; // the long side that the studio wants
  let isSending = false;
  let turn = 0;
  const ends = [];

  dropzone(node, ([file]) => file && clip(file));

  const clip = (file) => begin(() => playClip(video, file), false);

  async function begin(play, camera = true) {
    stop();
    turn += 1;
    const mine = turn;
    complain("");
    try {
      const ending = await play((error) => mine === turn && stop(error.message));
      if (mine !== turn || signal.aborted) return ending(); // left meanwhile
      end = ending;
    } catch (error) {
      return complain(error.message);
    }
    isCamera = camera;
    inner.style.setProperty("--ratio", video.videoWidth / video.videoHeight);
    ends.length = 0;
    box.classList.add("is-waiting");
    line = openLine({
      onpicture: draw,
      onrefused: (error) => complain(error.message),
      onend: (message) => mine === turn && stop(message),
    });
    empty.hidden = true;
    box.hidden = tools.hidden = false;
    onstate();
    turnMirror();
    pump(mine);
  }

  const turnMirror = () =>
    box.classList.toggle("is-mirrored", isCamera && state.value.isMirrored);

  // A picture is sent as often as is wanted, if it will not come late.
  function pump(mine) {
    if (mine !== turn || !line) return;
    setTimeout(() => pump(mine), 1000 / option("rate").default / 2);
    if (!line.isFree || isSending || video.readyState < 2 || !state.value.styles.length) return;
    isSending = true;
    drawn(video, canvas, side, isCamera && state.value.isMirrored).toBlob(
      (blob) => {
        isSending = false;
        if (blob && mine === turn && line?.isFree) line.send(blob);
      },
      "image/jpeg",
      QUALITY,
    );
  }

  async function draw(told, blob) {
    const mine = turn;
    const picture = await createImageBitmap(blob);
    if (mine !== turn || !line) return picture.close();
    side = told.size;
    complain("");
    box.classList.remove("is-waiting");
    painted.width = picture.width;
    painted.height = picture.height;
    painted.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
    const now = performance.now();
    ends.push(now);
    while (ends[0] < now - MEASURED) ends.shift();
    const rate = ends.length > 1 ? ((ends.length - 1) * 1000) / (now - ends[0]) : 0;
    onframe({ width: painted.width, height: painted.height, rate });
  }

  function stop(message = "") {
    turn += 1;
    line?.close();
    end?.();
    line = end = null;
    isSending = false;
    box.hidden = tools.hidden = true;
    empty.hidden = false;
    complain(message);
    onstate();
  }

  function complain(message) {
    trouble.textContent = message;
    trouble.hidden = !message;
  }

  signal.addEventListener("abort", () => {
    turn += 1;
    line?.close();
    end?.();
  });

  return {
    node,
    complain,
    get isPlaying() {
      return line !== null;
    },
    /** Tell the studio how to paint from now on. */
    ask() {
      if (!line || !state.value.styles.length) return;
      const { strength, size } = state.value;
      line.ask({
        styles: stylesOf(state.value.styles),
        options: { size, ...(strength === null ? {} : { strength }) },
        long_side: Math.max(video.videoWidth, video.videoHeight),
      });
      if (size) side = size;
    },
    compare(isOn) {
      box.classList.toggle("is-comparing", isOn);
    },
    /** Return what is seen now as a file, in its full size. */
    photograph() {
      const whole = document.createElement("canvas");
      drawn(video, whole, Infinity, isCamera && state.value.isMirrored);
      return new Promise((resolve, reject) =>
        whole.toBlob(
          (blob) =>
            blob
              ? resolve(new File([blob], "live.png", { type: "image/png" }))
              : reject(new Error("The picture could not be taken: try again.")),
          "image/png",
        ),
      );
    },
  };
}

function button(name, text, run, title = "", isPrimary = false) {
  return h(
    "button.button",
    { type: "button", onclick: run, title: title || null, class: isPrimary ? "primary" : "" },
    icon(name),
    h("span", {}, text),
  );
}

function strengthDial(set) {
  const { help, title } = option("strength");
  const value = h("output", {});
  const input = h("input", {
    id: "live-strength",
    type: "range",
    min: 0,
    max: 1,
    step: 0.05,
    oninput: () => set(Number(input.value)),
  });
  return {
    node: h(
      "div.dial",
      { title: help, dataset: { option: "strength" } },
      h("div.dial-top", {}, h("label", { for: "live-strength" }, title), value),
      input,
    ),
    show(now) {
      input.value = now;
      input.style.setProperty("--at", `${now * 100}%`);
      value.textContent = `${Math.round(now * 100)}%`;
      input.setAttribute("aria-valuetext", value.textContent);
    },
  };
}

function sizeDial(set) {
  const { help, title } = option("size");
  const row = h("div.segments");
  fill(
    row,
    SIZES.map((size) => segment("live-size", String(size), size || "Auto", () => set(size))),
  );
  return {
    node: h(
      "fieldset.dial",
      { title: help, dataset: { option: "live-size" } },
      h("legend", {}, title),
      row,
    ),
    show(now) {
      for (const input of row.querySelectorAll("input")) input.checked = input.value === `${now}`;
    },
  };
}
