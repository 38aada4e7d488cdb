import { ExternalLink as Icon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";

/** A link that opens beside the dashboard. The site it leads to learns nothing of the dashboard. */
export function ExternalLink({ children, ...rest }: ComponentProps<"a"> & { readonly href: string }): ReactNode {
  return (
    <a target="_blank" rel="noopener noreferrer" {...rest}>
      {children}
      <Icon className="size-4 shrink-0" aria-hidden="true" />
      <span className="sr-only"> (opens in a new tab)</span>
    </a>
  );
}

/** An address as people read it: without `http://` and the final slash. */
export function shortAddress(url: string): string {
  return url.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
