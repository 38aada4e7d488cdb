// `npm run bench` runs all, `npm run bench wake memory` some. Each prints a table; peers are measured in the same run.
import { loadavg } from "node:os";
import { markdown, type Table } from "./support/table.ts";

const benches: Readonly<Record<string, () => Promise<{ run(): Promise<Table> }>>> = {
  router: () => import("./router.ts"),
  edge: () => import("./edge.ts"),
  cache: () => import("./cache.ts"),
  wake: () => import("./wake.ts"),
  create: () => import("./create.ts"),
  memory: () => import("./memory.ts"),
  start: () => import("./start.ts"),
  tasks: () => import("./tasks.ts"),
  wakeups: () => import("./wakeups.ts"),
  editor: () => import("./editor.ts"),
  ftp: () => import("./ftp.ts"),
  sftp: () => import("./sftp.ts"),
  terminal: () => import("./terminal.ts"),
  swarm: () => import("./swarm.ts"),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark called ${unknown.join(", ")}. Choose some of: ${Object.keys(benches).join(", ")}.\n`);
  process.exit(2);
}
for (const [name, load] of Object.entries(benches)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const { run } = await load();
  const table = await run();
  process.stdout.write(`\n## ${name} (load ${loadavg()[0]?.toFixed(1)})\n\n${markdown(table)}\n`);
}
process.exit(0);
