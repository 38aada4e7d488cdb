/** What an address below `/task/` asks for, as the original's URL patterns have it. */
export type LegacyAddress =
  | { readonly kind: "index" | "create" | "daily-chart" | "disk-chart" | "nothing" }
  | { readonly kind: "by-id"; readonly digits: string }
  | { readonly kind: "by-uid"; readonly text: string }
  | { readonly kind: "day"; readonly date: string; readonly isCount: boolean };

const fixed: Readonly<Record<string, LegacyAddress>> = {
  "": { kind: "index" },
  create: { kind: "create" },
  "charts/daily": { kind: "daily-chart" },
  "charts/disk": { kind: "disk-chart" },
};

/** Reads the raw address of a request; patterns apply to the whole decoded path, and there are no trailing slashes. */
export function legacyAddress(rawUrl: string): LegacyAddress {
  const path = decoded(rawUrl.split("?", 1)[0] ?? "");
  const rest = path?.startsWith("/task/") ? path.slice("/task/".length) : undefined;
  if (rest === undefined) return { kind: "nothing" };
  const known = Object.hasOwn(fixed, rest) ? fixed[rest] : undefined;
  if (known !== undefined) return known;
  const [, kind, value = "", count] = /^view\/(pk|uid|date):([^/]+)(\/count)?$/.exec(rest) ?? [];
  if (kind === "pk" && count === undefined && /^[0-9]+$/.test(value)) return { kind: "by-id", digits: value };
  if (kind === "uid" && count === undefined) return { kind: "by-uid", text: value };
  if (kind === "date") return { kind: "day", date: value, isCount: count !== undefined };
  return { kind: "nothing" };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** A uid in any form that Python's `uuid.UUID` takes: hyphens anywhere or nowhere, braces, `urn:uuid:`, capitals. Null: it is none. */
export function parseUid(text: string): string | null {
  const digits = text
    .replaceAll("urn:", "")
    .replaceAll("uuid:", "")
    .replace(/^[{}]+|[{}]+$/g, "")
    .replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(digits)) return null;
  return digits.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A moment and the one before which it ends. */
export interface Period {
  readonly from: Date;
  readonly until: Date;
}

// What Python's strptime makes of %Y%m%d: months and days may have one digit, and a day may follow a blank. Each part takes what it can.
const calendarDay = /^([0-9]{4})(1[0-2]|0[1-9]|[1-9])(3[01]|[12][0-9]|0[1-9]|[1-9]| [1-9])/;

/** The UTC day that `today` or a date means; null for what is no date. */
export function parseDay(text: string, now: Date): Period | null {
  if (text === "today") return dayFrom(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())));
  const [matched, year, month, day] = calendarDay.exec(text) ?? [];
  if (matched !== text || Number(year) === 0) return null;
  const from = new Date(0);
  from.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // The 31st of a shorter month would be a day of the next one.
  return from.getUTCMonth() === Number(month) - 1 ? dayFrom(from) : null;
}

function dayFrom(from: Date): Period {
  return { from, until: new Date(from.getTime() + 86_400_000) };
}

/** The UTC month around a moment. */
export function monthOf(now: Date): Period {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  return { from: new Date(Date.UTC(year, month, 1)), until: new Date(Date.UTC(year, month + 1, 1)) };
}
