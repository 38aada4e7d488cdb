/** A menu of sites on a terminal: which line is marked, and what number was typed so far. */
export interface SiteMenu {
  readonly sites: readonly string[];
  readonly marked: number;
  readonly typed: string;
}

/** What a key press leads to. */
export type MenuStep = { readonly kind: "menu"; readonly menu: SiteMenu } | { readonly kind: "chosen"; readonly index: number } | { readonly kind: "left" };

const keys: Readonly<Record<string, "up" | "down" | "first" | "last" | "enter" | "leave" | "erase">> = {
  "\u001b[A": "up",
  "\u001bOA": "up",
  k: "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  j: "down",
  "\u001b[H": "first",
  "\u001b[F": "last",
  "\r": "enter",
  "\n": "enter",
  "\u0003": "leave",
  "\u0004": "leave",
  "\u001b": "leave",
  q: "leave",
  "\u007f": "erase",
  "\b": "erase",
};

/** A menu with its first line marked. */
export function newMenu(sites: readonly string[]): SiteMenu {
  return { sites, marked: 0, typed: "" };
}

/** Takes what was typed, key by key; what comes behind a choice is not for the menu. */
export function press(menu: SiteMenu, input: string): MenuStep {
  let current = menu;
  // Sequences of arrow keys come whole; Escape alone is a key, too.
  for (const key of input.match(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])?|[\s\S]/gu) ?? []) {
    const step = pressOne(current, key);
    if (step.kind !== "menu") return step;
    current = step.menu;
  }
  return { kind: "menu", menu: current };
}

/** What the terminal shows, at most so many rows; the marked line is always among them. */
export function menuText(menu: SiteMenu, rows: number): string {
  const { sites, marked, typed } = menu;
  const room = Math.max(Math.min(rows - 6, sites.length), 1);
  const first = Math.min(Math.max(marked - Math.floor(room / 2), 0), sites.length - room);
  const width = String(sites.length).length;
  const lines = sites.slice(first, first + room).map((site, at) => {
    const index = first + at;
    const line = ` ${String(index + 1).padStart(width)}  ${site} `;
    return index === marked ? `\u001b[7m${line}\u001b[0m` : line;
  });
  const more = room < sites.length ? `  (${first + 1}-${first + room} of ${sites.length})` : "";
  const hint = `Arrow keys or a number, then Enter. q leaves.${more}`;
  return `\u001b[H\u001b[J${["Your sites:", "", ...lines, "", hint, `> ${typed}`].join("\r\n")}`;
}

function pressOne(menu: SiteMenu, key: string): MenuStep {
  const stay = (change: Partial<SiteMenu>): MenuStep => ({ kind: "menu", menu: { ...menu, ...change } });
  const last = menu.sites.length - 1;
  if (/^[0-9]$/.test(key)) {
    const typed = `${menu.typed}${key}`.replace(/^0+/, "").slice(0, String(menu.sites.length).length);
    const index = Number(typed) - 1;
    return stay({ typed, marked: index >= 0 && index <= last ? index : menu.marked });
  }
  switch (keys[key]) {
    case "up":
      return stay({ marked: menu.marked === 0 ? last : menu.marked - 1, typed: "" });
    case "down":
      return stay({ marked: menu.marked === last ? 0 : menu.marked + 1, typed: "" });
    case "first":
      return stay({ marked: 0, typed: "" });
    case "last":
      return stay({ marked: last, typed: "" });
    case "erase":
      return stay({ typed: menu.typed.slice(0, -1) });
    case "leave":
      return { kind: "left" };
    case "enter":
      // A number beyond the list is no choice.
      return menu.typed !== "" && Number(menu.typed) - 1 !== menu.marked ? stay({ typed: "" }) : { kind: "chosen", index: menu.marked };
    default:
      return stay({});
  }
}
