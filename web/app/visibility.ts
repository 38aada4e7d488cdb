// Streams are closed while their tab is hidden: browsers keep at most six connections to a host over HTTP/1.1,
// so a few forgotten tabs, or pages kept for the "back" button, would otherwise starve the one in front.

/** How long a hidden tab keeps its streams, in milliseconds: a glance at another tab costs nothing. */
const graceMs = 15_000;

/** A signal that ends some seconds after the tab was hidden, when the page is left, or with `stop`. */
export function whileVisible(stop: AbortSignal): { signal: AbortSignal; release: () => void } {
  const ended = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onChange = (): void => {
    clearTimeout(timer);
    if (document.visibilityState === "hidden") timer = setTimeout(() => ended.abort(), graceMs);
  };
  const onLeave = (): void => ended.abort();
  document.addEventListener("visibilitychange", onChange);
  window.addEventListener("pagehide", onLeave);
  onChange();
  return {
    signal: AbortSignal.any([stop, ended.signal]),
    release: () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onChange);
      window.removeEventListener("pagehide", onLeave);
    },
  };
}

/** Waits until the tab is in front, or `stop` ends. */
export function untilVisible(stop: AbortSignal): Promise<void> {
  if (document.visibilityState === "visible" || stop.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      if (document.visibilityState !== "visible" && !stop.aborted) return;
      document.removeEventListener("visibilitychange", done);
      stop.removeEventListener("abort", done);
      resolve();
    };
    document.addEventListener("visibilitychange", done);
    stop.addEventListener("abort", done);
  });
}
