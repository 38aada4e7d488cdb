import type { ServerResponse } from "node:http";
import type { ResponseHead } from "../proxy/response-head.ts";
import { isOwnCookie } from "../proxy/session-cookies.ts";
import { type Forwarded, missStatus, withStatus } from "./cache-status.ts";
import type { Leader, Waiter } from "./page-fill.ts";

/** A visitor who gets the program's answer while it comes, and is kept, perhaps. */
export function leadingVisitor(res: ServerResponse, about: { readonly host: string; readonly forwarded: Forwarded }, waiter: Waiter): Leader {
  let isDraining = false;
  return {
    ...waiter,
    head: (head: ResponseHead, isKept: boolean) => {
      const fields = head.hasSetCookie ? withoutForeignCookies(head.fields, about.host) : head.fields;
      res.writeHead(head.status, head.reason, withStatus(fields, missStatus(about.forwarded, { isStored: isKept, status: head.status })));
      // What comes at once goes out at once; a program that takes its time over the body does not hold its head back.
      res.cork();
      setImmediate(() => {
        if (!res.writableEnded) res.flushHeaders();
        res.uncork();
      });
    },
    write: (chunk, onDrain) => {
      if (res.write(chunk)) return true;
      // While something is stored for others, pieces go on coming to a visitor who takes none.
      if (!isDraining) {
        isDraining = true;
        res.once("drain", () => {
          isDraining = false;
          onDrain();
        });
      }
      return false;
    },
    end: () => res.end(),
  };
}

function withoutForeignCookies(fields: readonly string[], host: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const [name = "", value = ""] = [fields[index], fields[index + 1]];
    if (name.toLowerCase() !== "set-cookie" || isOwnCookie(value, host)) kept.push(name, value);
  }
  return kept;
}
