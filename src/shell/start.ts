import { join, resolve } from "node:path";
import { createClient } from "#contract/client.ts";
import { announceSsh } from "#contract/internal/doors.ts";
import { readComponentKey } from "#kit/cluster-key.ts";
import { parseConfig } from "#kit/config.ts";
import { SessionWatch } from "#kit/door/session-watch.ts";
import { createSigner } from "#kit/grant.ts";
import { openHealthDoor } from "#kit/http/health-door.ts";
import type { StartService } from "#kit/lifecycle.ts";
import { configSchema, hostOf, publicAddress, rulesOf } from "./config.ts";
import { openHostKeys } from "./host-keys.ts";
import { SshDoor } from "./ssh-door.ts";

/** Opens the door for SSH and SFTP. */
export const start: StartService = async (environment, log) => {
  const config = parseConfig(configSchema, environment);
  const key = await readComponentKey(config.BACKLOT_SHELL_KEY_FILE);
  const signer = await createSigner(key.secret);
  const manager = createClient({
    baseUrl: config.BACKLOT_MANAGER_URL,
    peer: "manager",
    token: () => signer.sign({ aud: "manager", sub: "shell", site: "*", verbs: ["door.open"] }),
  });
  const hostKeys = await openHostKeys(join(resolve(config.BACKLOT_DATA), "ssh"));
  let port = 0;
  const announce = (): void => {
    const keys = hostKeys.map(({ algorithm, fingerprint }) => ({ algorithm, fingerprint }));
    manager
      .call(announceSsh, { body: { ...publicAddress(config, port), keys }, signal: AbortSignal.timeout(10_000) })
      .catch((error: unknown) => log.warn({ reason: String(error) }, "the host keys could not be told to the manager"));
  };
  // Whenever the manager can be heard again: it may be another one, with another database.
  const watch = new SessionWatch(manager, log, announce);
  const limits = { total: config.BACKLOT_SSH_CONNECTIONS, perAddress: config.BACKLOT_SSH_CONNECTIONS_PER_ADDRESS };
  const deps = { rules: rulesOf(config), manager, orchestratorUrl: config.BACKLOT_ORCHESTRATOR_URL, watch, log };
  const door = new SshDoor({ hostKeys, limits, deps });
  const health = await openHealthDoor({ log, host: "127.0.0.1", port: config.BACKLOT_SSH_HEALTH_PORT, ready: () => watch.readiness });
  port = await door.listen(hostOf(config), config.BACKLOT_SSH_PORT);
  watch.start();
  const address = reachable(hostOf(config), port);
  log.info({ address, fingerprints: hostKeys.map(({ fingerprint }) => fingerprint) }, "ssh is ready");
  return {
    doors: { ssh: address, ...(health.url === null ? {} : { sshHealth: health.url }) },
    stop: async () => {
      await health.close();
      await door.stop();
      await watch.stop();
    },
  };
};

function reachable(host: string, port: number): string {
  const shown = host === "0.0.0.0" || host === "localhost" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `${shown.includes(":") ? `[${shown}]` : shown}:${port}`;
}
