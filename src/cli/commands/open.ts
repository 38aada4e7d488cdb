import { spawn } from "node:child_process";
import { readSite } from "#contract/api/sites.ts";
import { needSignIn, type Session } from "../session.ts";

/** Prints a site's address, and opens it where there is a desktop to open it on. */
export async function open(session: Session, name: string, options: { readonly browser?: boolean }): Promise<void> {
  needSignIn(session);
  const { site } = await session.client.call(readSite, { params: { name } });
  const hasDesktop = Boolean(session.environment.DISPLAY || session.environment.WAYLAND_DISPLAY || process.platform === "darwin");
  const isOpened = options.browser !== false && !session.isJson && hasDesktop && (await openInBrowser(site.url));
  await session.answer({ url: site.url, isOpened }, `${site.url}\n`);
}

/** Resolves when the opener has started (true) or is not installed (false); the browser outlives the command. */
function openInBrowser(url: string): Promise<boolean> {
  const opener = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(opener, [url], { stdio: "ignore", detached: true });
  return new Promise((resolve) => {
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
    child.once("error", () => resolve(false));
  });
}
