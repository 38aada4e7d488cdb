import type { ServerChannel } from "ssh2";
import { menuText, newMenu, press } from "./site-menu.ts";

/** The terminal that a menu is shown on. */
export interface MenuScreen {
  readonly rows: () => number;
  /** Calls back whenever the terminal's size has changed. */
  readonly onResize: (redraw: () => void) => void;
}

/** Lets somebody choose one of the sites; null when they leave. */
export function chooseSite(channel: ServerChannel, sites: readonly string[], screen: MenuScreen): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  let menu = newMenu(sites);
  const show = (): void => void channel.write(menuText(menu, screen.rows()));
  const end = (chosen: number | null): void => {
    channel.off("data", take).off("end", leave).off("close", leave);
    channel.pause();
    if (channel.writable) channel.write("\u001b[H\u001b[J");
    resolve(chosen);
  };
  const leave = (): void => end(null);
  const take = (chunk: Buffer): void => {
    const step = press(menu, chunk.toString("latin1"));
    if (step.kind === "menu") {
      menu = step.menu;
      show();
    } else end(step.kind === "chosen" ? step.index : null);
  };
  channel.on("data", take).on("end", leave).on("close", leave);
  screen.onResize(show);
  show();
  channel.resume();
  return promise;
}
