import { type ReactNode, useEffect, useState } from "react";
import { agoText, momentText } from "../app/formats.ts";

/** "5 minutes ago", kept true; the full moment on hover. */
export function TimeAgo({ at }: { readonly at: string }): ReactNode {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={at} title={momentText(at)}>
      {agoText(at, Math.max(now, Date.parse(at)))}
    </time>
  );
}
