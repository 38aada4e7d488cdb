import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * Debian starts a server as soon as it is installed; one that took port 80 would be in the way of somebody's real one.
 * `policy-rc.d` is Debian's own way to forbid that: exit code 101.
 */
export function withoutStartingServers(work, policy = "/usr/sbin/policy-rc.d") {
  const saved = `${policy}.before-backlot`;
  const ours = "#!/bin/sh\n# Put here by Backlot while it installs packages.\nexit 101\n";
  const isLeftOver = existsSync(policy) && readFileSync(policy, "utf8") === ours;
  if (isLeftOver) rmSync(policy);
  if (existsSync(saved)) renameSync(saved, policy);
  if (existsSync(policy)) renameSync(policy, saved);
  // Ctrl-C ends apt-get, not this process before it has put things back.
  const wait = () => undefined;
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, wait);
  try {
    writeFileSync(policy, ours, { mode: 0o755 });
    return work();
  } finally {
    rmSync(policy, { force: true });
    if (existsSync(saved)) renameSync(saved, policy);
    for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, wait);
  }
}
