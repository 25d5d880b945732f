// The line to the studio: pictures there and painted ones back, over a WebSocket.

const UNANSWERED = "The studio has ended the line: begin again.";
const AHEAD = 2; // pictures that may be under way: more would only be late
const WAITING = 200_000; // bytes that the browser has not sent yet

/**
 * Open a line. `onpicture(told, blob)` hears each painted picture; `onrefused(error)` what the studio
 * says of a request; `onend(message)` that the line has ended by itself.
 */
export function openLine({ onpicture, onrefused, onend }) {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1/live`);
  socket.binaryType = "blob";
  let sent = 0;
  let answered = 0;
  let told = null;
  let refusal = "";
  let isOurs = false;
  let waiting = null;
  socket.onopen = () => waiting && socket.send(waiting);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") {
      told = JSON.parse(data);
      if (!told.error) return;
      refusal = told.error.message;
      answered = sent; // of what was under way nothing more is told
      onrefused(told.error);
      return;
    }
    answered = Math.max(answered, told.frame);
    refusal = "";
    onpicture(told, data);
  };
  socket.onclose = () => !isOurs && onend(refusal || UNANSWERED);
  const isOpen = () => socket.readyState === WebSocket.OPEN;
  return {
    /** Say how pictures are painted from now on. */
    ask(request) {
      waiting = JSON.stringify(request);
      if (isOpen()) socket.send(waiting);
    },
    /** Whether another picture would not come late. */
    get isFree() {
      return isOpen() && sent - answered < AHEAD && socket.bufferedAmount < WAITING;
    },
    send(blob) {
      sent += 1;
      socket.send(blob);
    },
    close() {
      isOurs = true;
      socket.close();
    },
  };
}
