// Where live pictures come from: the browser's camera, or a clip that it plays.

import { h } from "../core/dom.js";

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" };
const REFUSED = {
  NotAllowedError:
    "The browser may not use the camera: allow it beside the address, or choose a clip.",
  NotFoundError: "There is no camera here: connect one, or choose a clip.",
  NotReadableError: "Another program uses the camera: end that one, or choose a clip.",
};
const INSECURE =
  "The browser lends its camera only to pages that come by https, or from its own machine. " +
  "Choose a clip, or let a proxy speak TLS.";

/** Make the element that plays what is painted. */
export const player = () =>
  h("video.live-video", { playsinline: true, "aria-label": "What is painted" });

/** Show the camera in a player; returns what ends it. */
export async function playCamera(video, onend) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(INSECURE);
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: CAMERA });
  } catch (error) {
    throw new Error(REFUSED[error.name] ?? `The camera cannot be used: ${error.message}.`);
  }
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  stream.getVideoTracks()[0].addEventListener("ended", () =>
    onend(new Error("The camera gives no more pictures: was it unplugged?")),
  );
  video.muted = true;
  video.srcObject = stream;
  await video.play();
  return end;
}

/** Play a file in a player, over and over again; returns what ends it. */
export async function playClip(video, file) {
  const address = URL.createObjectURL(file);
  const end = () => {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  };
  video.muted = true; // browsers play nothing aloud that nobody has pressed
  video.loop = true;
  video.src = address;
  try {
    await video.play();
  } catch {
    end();
    throw new Error(
      `This browser cannot play ${file.name}: take an MP4 or WebM file, or \`impasto film\`.`,
    );
  }
  if (!video.videoWidth) {
    end();
    throw new Error(`${file.name} holds no moving pictures: choose a film.`);
  }
  return end;
}

/** Draw what a player shows now, at a long side in pixels, never larger than it is. */
export function drawn(video, canvas, side, isMirrored) {
  const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
  const brush = canvas.getContext("2d");
  if (isMirrored) brush.setTransform(-1, 0, 0, 1, canvas.width, 0);
  brush.imageSmoothingQuality = "high";
  brush.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas;
}
