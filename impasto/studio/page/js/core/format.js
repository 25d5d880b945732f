// Numbers and dates as people read them.

/** "12 s", "4 min", "2 h 10 min". */
export function seconds(value) {
  if (value === null || value === undefined) return "";
  if (value < 1) return "under 1 s";
  if (value < 90) return `${Math.round(value)} s`;
  const minutes = Math.round(value / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest ? `${Math.floor(minutes / 60)} h ${rest} min` : `${minutes / 60} h`;
}

/** A moment of a film as a player shows it: "0:12", "1:02:30"; with hundredths if it has some. */
export function clock(value) {
  const hundredths = Math.round(value * 100);
  const [whole, rest] = [Math.floor(hundredths / 100), hundredths % 100];
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const text = hours
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
  return rest ? `${text}.${two(rest)}`.replace(/0$/, "") : text;
}

/** The seconds of "12.5", "0:12" or "1:02:30"; null for another text. */
export function secondsOf(text) {
  const parts = /^\s*(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)\s*s?\s*$/.exec(text);
  if (!parts) return null;
  return Number(parts[1] ?? 0) * 3600 + Number(parts[2] ?? 0) * 60 + Number(parts[3]);
}

/** "850 kB", "1.2 GB". */
export function bytes(value) {
  if (value === null || value === undefined) return "";
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let at = 0;
  while (size >= 1000 && at < units.length - 1) {
    size /= 1000;
    at += 1;
  }
  return `${size >= 100 || at < 2 ? Math.round(size) : Number(size.toFixed(1))} ${units[at]}`;
}

/** "512 × 341". */
export const size = (width, height) => (width && height ? `${width} × ${height}` : "");

/** Today's times as times, other days as dates, in the reader's own language. */
export function date(text) {
  const when = new Date(text);
  if (when.toDateString() === new Date().toDateString()) {
    return `Today, ${when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
  }
  return when.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
}

/** A value of an option as text: lists with commas, yes and no. */
export function value(thing) {
  if (thing === true) return "yes";
  if (thing === false) return "no";
  if (Array.isArray(thing)) return thing.length ? thing.join(", ") : "none";
  if (thing === null || thing === undefined || thing === "") return "none";
  return String(thing);
}

/** "1 job", "3 jobs". */
export const counted = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
