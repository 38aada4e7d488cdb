// A page that is taken from whoever sits before it asks them nothing: by "Cancel" they would keep what another person has left.
import { MutationObserver } from "@tanstack/react-query";
// It looks at the page when it is loaded: before there is a pretended one.
import "@codemirror/view";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import type { UserView } from "#contract/api/views.ts";
import { createMockWorld } from "../dev/mock-world.ts";
import { BrowserDatabase } from "./editor/browser-database.fixture.ts";

const patience = { timeout: 20_000 };
const [anna, ben] = ["anna", "ben"].map((name) => createMockWorld().users.find(({ username }) => username === name));
/** Where the page went, and whether a person was asked first. */
let went: { readonly to: string; readonly isAsked: boolean }[];
let page: EventTarget;
const isAsked = (): boolean => !page.dispatchEvent(new Event("beforeunload", { cancelable: true }));

beforeEach(() => {
  went = [];
  const goesTo = (to: string): void => void went.push({ to, isAsked: isAsked() });
  page = Object.assign(new EventTarget(), { location: { assign: goesTo, reload: () => goesTo("itself") } });
  vi.stubGlobal("window", page);
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  for (const [name, value] of Object.entries(new BrowserDatabase().globals)) vi.stubGlobal(name, value);
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit = {}) =>
    init.method === "DELETE" ? new Response(null, { status: 204 }) : Response.json({ user: ben }),
  );
  vi.resetModules();
});
// Pages of earlier tests hear what is told here, too: they hold nobody's data any more.
afterEach(async () => (await import("./query-client.ts")).queryClient.clear());
afterAll(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** Anna's page, with an upload under way or unsaved work, loaded for this test alone. */
async function openPage(held: "upload" | "draft") {
  const { queryClient } = await import("./query-client.ts");
  const session = await import("./data-session.ts");
  const { watchSession } = await import("./session-watch.ts");
  if (held === "upload") {
    const { uploads } = await import("./uploads.ts");
    uploads.set([{ id: 1, site: "robotics", path: "a.bin", size: 2, sent: 1, state: "sending", problem: null }]);
  } else {
    const { EditorSession } = await import("./editor/session.ts");
    const { workbenchOf } = await import("./editor/workbench.ts");
    vi.spyOn(EditorSession.prototype, "hasUnsaved").mockReturnValue(true);
    workbenchOf({ user: "anna", site: { id: 1, name: "robotics" } });
  }
  queryClient.setQueryData<UserView>(session.sessionQuery.queryKey, anna);
  watchSession();
  return { queryClient, ...session };
}

test.for(["upload", "draft"] as const)("whoever leaves a page with work of their own (%s) is asked", async (held) => {
  await openPage(held);
  expect(isAsked()).toBe(true);
});

test.for(["upload", "draft"] as const)("a page whose person has signed out elsewhere goes without asking (%s)", async (held) => {
  await openPage(held);
  const other = new BroadcastChannel("backlot-session");
  other.postMessage(null);
  await vi.waitFor(() => expect(went).toEqual([{ to: "/", isAsked: false }]), patience);
  other.close();
});

test.for(["upload", "draft"] as const)("a page that finds somebody else signed in is loaded anew without asking (%s)", async (held) => {
  const { queryClient, sessionQuery } = await openPage(held);
  await queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 });
  expect(went).toEqual([{ to: "itself", isAsked: false }]);
});

test.for(["upload", "draft"] as const)("a page that the browser shows again as it was is loaded anew without asking (%s)", async (held) => {
  await openPage(held);
  page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  expect(went).toEqual([{ to: "itself", isAsked: false }]);
});

test.for(["upload", "draft"] as const)("who signs out has answered already (%s)", async (held) => {
  const { queryClient, signingOut } = await openPage(held);
  await new MutationObserver(
    queryClient,
    signingOut(async () => undefined),
  ).mutate();
  expect(went).toEqual([{ to: "/sign-in", isAsked: false }]);
});
