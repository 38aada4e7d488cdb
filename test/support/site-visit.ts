import { Agent, fetch } from "undici";
import type { SiteAddress } from "#contract/site-spec.ts";

/** Asks a site's program directly, without a router. */
export async function fetchFrom(address: SiteAddress, path: string): Promise<{ readonly status: number; readonly text: string }> {
  const agent = "socket" in address ? new Agent({ connect: { socketPath: address.socket } }) : new Agent();
  const base = "socket" in address ? "http://site" : `http://${address.host}:${address.port}`;
  try {
    const response = await fetch(`${base}${path}`, { dispatcher: agent });
    return { status: response.status, text: await response.text() };
  } finally {
    await agent.close();
  }
}
