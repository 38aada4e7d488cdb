// A child of the migration test: migrates the database of argv at the moment it is told to, by a byte on stdin.
import { once } from "node:events";
import { migrate } from "#db/migrate.ts";
import { silentLog } from "#kit/log.ts";

const [url = ""] = process.argv.slice(2);
process.stdout.write("ready\n");
await once(process.stdin, "data");
await migrate({ url, log: silentLog() });
process.exit(0);
