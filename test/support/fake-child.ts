// A supervised process for tests of the supervisor: it keeps a record of what it was given, and does what the record's folder tells it.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [, , , services = ""] = process.argv;
const data = process.env.BACKLOT_DATA ?? ".";
const file = (name: string): string => join(data, `${services}.${name}`);

process.on("disconnect", () => process.exit(1));
process.on("SIGTERM", () => (existsSync(file("ignores-sigterm")) ? undefined : process.exit(0)));
writeFileSync(file("started"), JSON.stringify({ pid: process.pid, args: process.argv.slice(2), environment: process.env }));
if (existsSync(file("refuses"))) process.exit(2);
if (existsSync(file("fails"))) process.exit(1);
if (!existsSync(file("hangs"))) process.send?.({ type: "ready", doors: {}, notices: [`${services} says hello`] });
