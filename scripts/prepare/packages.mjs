import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withoutStartingServers } from "./policy.mjs";
import { lastLines, run, step } from "./run.mjs";

/** Programs of the system: where they come from in Debian, and what there is not without them. */
const programs = [
  { program: "bwrap", package: "bubblewrap", for: "start", without: "dynamic sites are not separated from each other: only administrators may run them" },
  { program: "unshare", package: "util-linux", for: "start", without: "dynamic sites have no limits, and root cannot start the private database" },
  { program: "ip", package: "iproute2", for: "start", without: "dynamic sites under root have no network of their own" },
  { program: "nft", package: "nftables", for: "start", without: "dynamic sites under root are not kept from the machine's own ports" },
  { program: "socat", package: "socat", for: "start", without: "dynamic sites of an ordinary user cannot be reached" },
  { program: "python3", package: "python3", for: "test", without: "the tests with Python sites, and with folders that a program swaps for links, are skipped" },
  { program: "curl", package: "curl", for: "test", without: "the tests with a real HTTP client are skipped" },
  { program: "lftp", package: "lftp", for: "test", without: "the tests with real FTP clients are skipped" },
  { program: "tnftp", package: "tnftp", for: "test", without: "the tests with real FTP clients are skipped" },
  { program: "ssh", package: "openssh-client", for: "test", without: "the tests with real SSH clients are skipped" },
  { program: "rsync", package: "rsync", for: "test", without: "the tests with rsync are skipped" },
  { program: "supervisord", package: "supervisor", for: "test", without: "the tests of deploy/supervisord.conf are skipped" },
  { program: "chromium", package: "chromium", for: "test", without: "the journey through the dashboard in a browser is skipped" },
  { program: "chromedriver", package: "chromium-driver", for: "test", without: "the journey through the dashboard in a browser is skipped" },
  { program: "rabbitmqctl", package: "rabbitmq-server", for: "test", without: "the tests with a real message broker are skipped" },
  { program: "pg_createcluster", package: "postgresql", for: "test", without: "the tests with a PostgreSQL of the distribution are skipped" },
  { program: "dockerd", package: "docker.io", for: "test", without: "the tests with a real Docker Swarm are skipped" },
  { program: "busybox", package: "busybox-static", for: "test", without: "the tests with a real Docker Swarm are skipped" },
  { program: "haproxy", package: "haproxy", for: "test", without: "the tests with a real HAProxy are skipped" },
  { program: "openssl", package: "openssl", for: "test", without: "the tests with certificates at a real HAProxy are skipped" },
  { program: "nginx", package: "nginx", for: "test", without: "the tests with a real nginx are skipped" },
  { program: "redis-server", package: "redis-server", for: "test", without: "the tests with a real Redis are skipped" },
];

/** A machine that cannot reach its mirror is not asked at every start. */
const retryAfterMs = 6 * 60 * 60 * 1000;
const attemptFile = ["node_modules", ".cache", "backlot-packages.json"];

/** The programs that are missing for this purpose. */
export function missingPrograms(purpose) {
  if (purpose === "check") return [];
  return programs.filter((entry) => (entry.for === "start" || purpose === "test") && !isInstalled(entry.program));
}

/** What an ordinary user's test run leaves out, however much is installed; null for root. */
export function leftOutHere(purpose) {
  if (purpose !== "test" || process.getuid?.() === 0) return null;
  return "Not root: the tests with a Docker Swarm, HAProxy, networks and limits of sites, and full disks are skipped.\n";
}

/** Installs what is missing where this user may; says otherwise what will not work. Never fatal: everything else works without it. */
export function provide(root, missing, policy) {
  if (missing.length === 0) return;
  const names = [...new Set(missing.map((entry) => entry.package))];
  const command = `apt-get install --no-install-recommends ${names.join(" ")}`;
  if (process.getuid?.() !== 0 || !isInstalled("apt-get")) return tell(missing, `Not installed here: ${names.join(", ")}. As root: ${command}`);
  if (triedLately(root, missing)) return tell(missing, `Could not be installed a while ago: ${names.join(", ")}. Try: ${command}`);
  const result = step(`Installing ${names.join(", ")}`, () => withoutStartingServers(() => aptInstall(names), policy));
  const left = missing.filter((entry) => !isInstalled(entry.program));
  if (left.length === 0) return;
  remember(root, left);
  tell(left, `${lastLines(result.output, 8)}\nNot everything could be installed. Try: ${command}`);
}

function isInstalled(program) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

function tell(missing, reason) {
  const consequences = [...new Set(missing.map((entry) => entry.without))].map((without) => `  - without ${packagesWith(missing, without)} ${without}\n`);
  process.stdout.write(`${reason}\n${consequences.join("")}`);
}

function packagesWith(missing, without) {
  return missing
    .filter((entry) => entry.without === without)
    .map((entry) => entry.package)
    .join(" and ");
}

function aptInstall(names) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const update = run("apt-get", ["update", "-q"], { env });
  const install = run("apt-get", ["install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", ...names], { env });
  return { succeeded: install.succeeded, output: `${update.succeeded ? "" : update.output}${install.output}` };
}

function triedLately(root, missing) {
  try {
    const attempt = JSON.parse(readFileSync(join(root, ...attemptFile), "utf8"));
    return Date.now() - attempt.at < retryAfterMs && missing.every((entry) => attempt.packages.includes(entry.package));
  } catch {
    return false;
  }
}

function remember(root, missing) {
  const file = join(root, ...attemptFile);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ at: Date.now(), packages: missing.map((entry) => entry.package) }));
}
