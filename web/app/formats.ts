const units = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** A size for people, in decimal units: "1.4 MB". */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** How long ago, roughly: "just now", "5 minutes ago". */
export function agoText(at: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(at)) / 1000);
  if (seconds < 45) return "just now";
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return relative.format(-minutes, "minute");
  const hours = Math.round(minutes / 60);
  if (hours < 36) return relative.format(-hours, "hour");
  const days = Math.round(hours / 24);
  if (days < 45) return relative.format(-days, "day");
  return new Intl.DateTimeFormat("en", { dateStyle: "medium" }).format(new Date(at));
}

/** A point in time in full, for titles and tables. */
export function momentText(at: string): string {
  return new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

/** How long something took: "0.4 s", "2 min 5 s". */
export function durationText(ms: number): string {
  if (ms < 60_000) return ms < 9_950 ? `${(Math.max(0, ms) / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return parts(seconds, ["min", "s"]);
  return parts(Math.round(seconds / 60), ["h", "min"]);
}

/** Sixty of the smaller unit are one of the larger; without a rest the smaller is left out. */
function parts(count: number, [large, small]: readonly [string, string]): string {
  const rest = count % 60;
  return `${Math.floor(count / 60)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

/** A number of seconds as a person would say it: "10 minutes". */
export function secondsText(seconds: number): string {
  const [count, unit] = seconds % 3600 === 0 ? [seconds / 3600, "hour"] : seconds % 60 === 0 ? [seconds / 60, "minute"] : [seconds, "second"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** `1 file`, `2 files`. */
export function countText(count: number, noun: string): string {
  return `${new Intl.NumberFormat("en").format(count)} ${noun}${count === 1 ? "" : "s"}`;
}
