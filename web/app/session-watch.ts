import { sessionEnded } from "./connection.ts";
import { heldUser, sessionQuery } from "./data-session.ts";
import { leaveFor, loadAnew } from "./leaving.ts";
import { queryClient } from "./query-client.ts";
import { hearSession } from "./session-channel.ts";

/** What a page does that holds somebody's data, once it hears who is signed in: both by their numbers. */
export function answerTo(held: number | undefined, now: number | null): "stay" | "resume" | "leave" {
  if (held === undefined) return "stay";
  return held === now ? "resume" : "leave";
}

/** Nobody reads here what another person has left: the page goes as soon as its session does. */
export function watchSession(): void {
  hearSession((now) => {
    const answer = answerTo(heldUser()?.id, now);
    if (answer === "leave") leaveFor("/");
    if (answer === "resume") sessionEnded.set(false);
  });
  // Windows side by side are in sight all the time: there the focus tells of a person.
  window.addEventListener("focus", () => {
    if (heldUser() !== undefined) void queryClient.refetchQueries({ queryKey: sessionQuery.queryKey }, { cancelRefetch: false });
  });
  // Restored as it was left, perhaps by somebody who has signed out since.
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) loadAnew();
  });
}
