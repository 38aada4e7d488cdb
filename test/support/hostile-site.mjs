// A tenant's program that tries what it must not get. Prints one line of JSON: what it tried → what came of it.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const targets = JSON.parse(process.env.TARGETS);
const found = {};
const attempt = (name, act) => {
  try {
    found[name] = act();
  } catch (error) {
    found[name] = error.code ?? String(error);
  }
};
/** The code of the failure, `silence` when nothing comes back at all, or `CONNECTED`. */
const reach = (options) =>
  new Promise((resolve) => {
    const socket = connect(options);
    const end = (result) => resolve(socket.destroy() && result);
    socket.setTimeout(700, () => end("silence"));
    socket.once("connect", () => end("CONNECTED")).once("error", (error) => end(error.code));
  });

const addresses = await Promise.all(targets.addresses.map(async ({ host, port }) => [`${host}:${port}`, await reach({ host, port })]));
found.addresses = Object.fromEntries(addresses);
const sockets = await Promise.all(targets.sockets.map(async (path) => [path.replace("\0", "@"), await reach({ path })]));
found.sockets = Object.fromEntries(sockets);
found.files = Object.fromEntries(
  targets.files.map((path) => {
    try {
      readFileSync(path);
      return [path, "READ"];
    } catch (error) {
      return [path, error.code === "EISDIR" ? "THERE" : error.code];
    }
  }),
);
found.kills = targets.pids.map((pid) => {
  try {
    process.kill(pid, 0);
    return "FOUND";
  } catch (error) {
    return error.code;
  }
});
// Outside of a sandbox, nothing is done that would succeed.
if (targets.isControl) {
  console.log(JSON.stringify(found));
  process.exit();
}
attempt("programs", () =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]),
);
attempt("environmentOfFirst", () => readFileSync("/proc/1/environ", "utf8"));
attempt("arguments", () => readFileSync("/proc/1/cmdline", "utf8").replaceAll("\0", " ").trim());
attempt("variables", () => Object.keys(process.env).sort());
attempt("rights", () =>
  Object.fromEntries(
    readFileSync("/proc/self/status", "utf8")
      .split("\n")
      .map((line) => line.split(":\t"))
      .filter(([name]) => ["CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp", "Groups"].includes(name))
      .map(([name, text]) => [name, text.trim()]),
  ),
);
attempt("top", () => readdirSync("/").sort());
attempt("etc", () => readdirSync("/etc").sort());
attempt("interfaces", () =>
  readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0].trim())
    .filter(Boolean)
    .sort(),
);
found.writes = Object.fromEntries(
  ["/", "/usr", "/etc", "/dev", "/opt/backlot", "/proc/sys/kernel", "/tmp", "/site"].map((folder) => {
    try {
      writeFileSync(`${folder}/planted`, "x");
      return [folder, "WRITTEN"];
    } catch (error) {
      return [folder, error.code];
    }
  }),
);
const run = (file, ...rest) => spawnSync(file, rest, { stdio: ["ignore", "pipe", "ignore"] });
found.unshare = run("unshare", "--user", "true").status;
found.mount = run("mount", "-t", "tmpfs", "none", "/tmp").status;
// An ls of its own: Node has descriptors of its own open.
found.descriptors = run("ls", "/proc/self/fd").stdout?.toString().trim().split("\n");
console.log(JSON.stringify(found));
