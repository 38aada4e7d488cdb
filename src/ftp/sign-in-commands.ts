import { Failure } from "#contract/failure.ts";
import { openDoor } from "#contract/internal/doors.ts";
import { parseAccountName } from "#kit/door/account-name.ts";
import { DoorSession } from "#kit/door/door-session.ts";
import { RemoteFiles } from "#kit/door/remote-files.ts";
import type { CommandHandler, SessionCore } from "./session-core.ts";

/** Who it is, and how the connection is protected. */
export const signInCommands: Readonly<Record<string, CommandHandler>> = {
  USER: async (core, argument) => {
    const hadPerson = core.state.person !== null;
    if (hadPerson) core.signOut();
    core.state.pendingName = argument;
    await core.reply(331, hadPerson ? "Previous account information was flushed, send password." : "Username ok, send password.");
  },
  PASS: pass,
  REIN: async (core) => {
    core.signOut();
    await core.reply(230, "Ready for new user.");
  },
  AUTH: async (core, argument) => {
    const mechanism = argument.trim().toUpperCase();
    const { secureContext } = core;
    if (core.state.isSecure) return core.reply(503, "Already using TLS.");
    if (!["TLS", "TLS-C", "SSL"].includes(mechanism)) return core.reply(504, "Only AUTH TLS is understood.");
    core.signOut();
    await core.secure(secureContext, 234, "AUTH TLS successful.");
  },
  PBSZ: async (core) => {
    if (!core.state.isSecure) return core.reply(503, "PBSZ not allowed on insecure control connection.");
    core.state.hasBufferSize = true;
    await core.reply(200, "PBSZ=0 successful.");
  },
  PROT: async (core, argument) => {
    const level = argument.trim().toUpperCase();
    if (!core.state.isSecure) return core.reply(503, "PROT not allowed on insecure control connection.");
    if (!core.state.hasBufferSize) return core.reply(503, "You must issue the PBSZ command prior to PROT.");
    if (level === "S" || level === "E") return core.reply(536, `PROT ${level} unsupported (use C or P).`);
    if (level !== "C" && level !== "P") return core.reply(504, "Unrecognized PROT type (use C or P).");
    if (level === "C" && core.deps.rules.requiresTls) return core.reply(534, "Data connections have to be protected here (use P).");
    core.state.protectsData = level === "P";
    await core.reply(200, level === "P" ? "Protection set to Private." : "Protection set to Clear.");
  },
  CCC: async (core) => core.reply(534, "The protection of the control connection stays."),
};

async function pass(core: SessionCore, password: string): Promise<void> {
  const { state, deps } = core;
  if (state.person !== null) return core.reply(503, "User already authenticated.");
  if (state.pendingName === null) return core.reply(503, "Login with USER first.");
  const { username, site } = parseAccountName(state.pendingName);
  state.pendingName = null;
  if (username.length > 200 || password.length > 1000) return refuse(core, "Authentication failed.");
  try {
    const input = { username, password, site, door: "ftp" as const, address: core.peer.address };
    const view = await deps.manager.call(openDoor, { body: input, signal: AbortSignal.timeout(20_000) });
    const door = new DoorSession(deps.manager, view);
    const release = deps.watch.add(door);
    core.signIn({ door, files: new RemoteFiles(door, deps.orchestratorUrl), name: view.user?.username ?? username, since: new Date(), release });
    await core.reply(230, "Login successful.");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.status >= 500) return core.end(421, "Nobody can sign in at the moment. Try again in a minute.");
    await refuse(core, error.code === "credentials_wrong" ? "Authentication failed." : `Authentication failed: ${error.message}`);
  }
}

// Whoever guesses waits, and starts anew after a few tries.
async function refuse(core: SessionCore, text: string): Promise<void> {
  const { state, deps } = core;
  state.failures += 1;
  await new Promise<void>((resolve) => deps.timers.after(deps.rules.failureDelayMs, resolve));
  if (state.failures >= deps.rules.attempts) return core.end(530, `${text} Disconnecting.`);
  await core.reply(530, text);
}
