// Calls of the JSON API. The page knows no other way to the studio.

const BASE = "/api/v1";
const UNANSWERED = "The studio does not answer. Is it still running?";

/** What the studio refused: its own message, the option that it is about, the status. */
export class ApiError extends Error {
  constructor(status, message, option = null) {
    super(message);
    this.status = status;
    this.option = option;
  }

  /** Of a look: a newer one was asked for. */
  get isSuperseded() {
    return this.status === 409;
  }
}

let onSignedOut = () => {};

/** Say what to do once a call is answered "not signed in". */
export function whenSignedOut(action) {
  onSignedOut = action;
}

async function call(method, path, { body, form, signal, headers = {} } = {}) {
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(BASE + path, {
      method,
      headers,
      body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, UNANSWERED);
  }
  if (!answer.ok) throw refusal(answer.status, await answer.text(), path);
  return answer;
}

function refusal(status, text, path) {
  let message = `The studio answered ${status}.`;
  let option = null;
  try {
    const told = JSON.parse(text).error;
    message = told.message;
    option = told.option ?? null;
  } catch {
    // Not one of the studio's own answers: the status has to do.
  }
  if (status === 401 && path !== "/session") onSignedOut();
  return new ApiError(status, message, option);
}

const json = async (answer) => ((await answer).status === 204 ? null : (await answer).json());

/** Return the query part of an address; what is empty is left out. */
export function query(values) {
  const given = Object.entries(values).filter(([, v]) => v !== "" && v !== null && v !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

export const get = (path, options) => json(call("GET", path, options));
export const post = (path, body, options) => json(call("POST", path, { body, ...options }));
export const remove = (path) => json(call("DELETE", path));

/** Send a file; returns what the studio says of it. */
export function upload(file, signal) {
  const form = new FormData();
  form.append("file", file, file.name || "pasted.png");
  return json(call("POST", "/uploads", { form, signal }));
}

/** Send a file, and hear which part of it has been sent: from 0 to 1. */
export function uploadWatched(file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // `fetch` does not tell how much has been sent
    const form = new FormData();
    form.append("file", file, file.name);
    request.upload.onprogress = (event) =>
      event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () =>
      request.status < 300
        ? resolve(JSON.parse(request.responseText))
        : reject(refusal(request.status, request.responseText, "/uploads"));
    request.onerror = () => reject(new ApiError(0, UNANSWERED));
    request.onabort = () => reject(new DOMException("It was left out.", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", `${BASE}/uploads`);
    request.send(form);
  });
}

// Of the looks of one page only the last counts; another page's are its own.
const PAGE = crypto.getRandomValues(new Uint32Array(1))[0].toString(16);

/** Return the picture that a look is, as a Blob. */
export async function look(request, signal) {
  const headers = { "X-Look": PAGE };
  return (await call("POST", "/looks", { body: request, signal, headers })).blob();
}

/** Return a trial of a film: three painted frames, and what all of it takes. */
export const trial = (request, signal) =>
  json(call("POST", "/trials", { body: request, signal, headers: { "X-Look": PAGE } }));
