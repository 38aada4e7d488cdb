// Ends with 0 when a process of Backlot can do its work, and says why not otherwise: node deploy/health.mjs http://127.0.0.1:8000
// A worker's socket goes by its path: node deploy/health.mjs /tmp/worker.sock
import { get } from "node:http";

const place = process.argv[2] ?? "http://127.0.0.1:8000";
const { hostname, port } = place.startsWith("/") ? {} : new URL(place);
const request = { path: "/readyz", timeout: 3000, ...(port === undefined ? { socketPath: place } : { hostname, port }) };

function refuse(reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

const asked = get(request, async (response) => {
  const text = (await response.toArray()).join("").trim();
  if (response.statusCode !== 200) refuse(text);
});
asked.on("timeout", () => refuse("no answer within 3 s"));
asked.on("error", (error) => refuse(error.message));
