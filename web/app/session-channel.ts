// All pages of a browser share one session: what one of them does with it concerns the others.
let opened: BroadcastChannel | undefined;
const channel = (): BroadcastChannel => {
  opened ??= new BroadcastChannel("backlot-session");
  return opened;
};

/** Tells the other pages of this browser who is signed in now, by the number; null for nobody. */
export function tellSession(user: number | null): void {
  channel().postMessage(user);
}

/** Hears what other pages tell. */
export function hearSession(listener: (user: number | null) => void): void {
  channel().addEventListener("message", ({ data }: MessageEvent<unknown>) => listener(typeof data === "number" ? data : null));
}
