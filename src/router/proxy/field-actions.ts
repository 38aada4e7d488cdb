/** What happens to a header on its way through. */
export type FieldAction = "pass" | "drop" | "connection" | "keep-alive" | "host" | "length" | "transfer" | "cookie" | "set-cookie" | "upgrade";

/** Looks a header's action up by its name in any case. */
export type FieldActions = (name: string) => FieldAction;

const mostRemembered = 2000;

/** A table of actions by lower-case name. Names are remembered as they came: lower-casing each one of each request costs more than all the rest. */
export function fieldActions(table: Readonly<Record<string, FieldAction>>): FieldActions {
  const special = new Map(Object.entries(table));
  const remembered = new Map<string, FieldAction>();
  return (name) => {
    const known = remembered.get(name);
    if (known !== undefined) return known;
    // `X_Real_IP` is `X-Real-IP` to CGI and WSGI programs: both go the same way.
    const action = special.get(name.toLowerCase().replaceAll("_", "-")) ?? "pass";
    if (remembered.size < mostRemembered) remembered.set(name, action);
    return action;
  };
}
