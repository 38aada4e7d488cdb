import { quotedPath } from "#kit/door/virtual-path.ts";
import { existing, existingFile, findTarget, inside, personOf, writable } from "./find-target.ts";
import { listedAt, listedIn } from "./listed.ts";
import { factLine, factTime, listLine, parseFactTime } from "./listing.ts";
import type { CommandHandler, SessionCore } from "./session-core.ts";

/** Folders and names. */
export const pathCommands: Readonly<Record<string, CommandHandler>> = {
  PWD: async (core) => core.reply(257, `${quotedPath(core.state.current)} is the current directory.`),
  CWD: async (core, argument) => goTo(core, argument === "" ? "/" : argument),
  CDUP: async (core) => goTo(core, ".."),
  MKD: async (core, argument) => {
    const at = writable(core, argument);
    if ((await personOf(core).files.stat(at, { follow: false })) !== null) return core.reply(550, "File exists.");
    await personOf(core).files.makeFolder(at);
    await core.reply(257, `${quotedPath(findTarget(core, argument).parts)} directory created.`);
  },
  RMD: async (core, argument) => {
    const at = writable(core, argument);
    if ((await existing(core, at, { follow: false })).type !== "folder") return core.reply(550, "Not a directory.");
    await personOf(core).files.delete(at);
    await core.reply(250, "Directory removed.");
  },
  DELE: async (core, argument) => {
    const at = writable(core, argument);
    if ((await existing(core, at, { follow: false })).type === "folder") return core.reply(550, "Is a directory.");
    await personOf(core).files.delete(at);
    await core.reply(250, "File removed.");
  },
  RNFR: async (core, argument) => {
    const { siteId, path } = writable(core, argument);
    await existing(core, { siteId, path }, { follow: false });
    core.state.renameFrom = { siteId, path };
    await core.reply(350, "Ready for destination name.");
  },
  RNTO: async (core, argument) => {
    const from = core.state.renameFrom;
    core.state.renameFrom = null;
    if (from === null) return core.reply(503, "Bad sequence of commands: use RNFR first.");
    const to = writable(core, argument);
    if (to.siteId !== from.siteId) return core.reply(550, "Nothing can be moved from one site to another.");
    if (to.path !== from.path) await personOf(core).files.move(to.siteId, from.path, { path: to.path, replace: true });
    await core.reply(250, "Renaming ok.");
  },
  SIZE: async (core, argument) => {
    if (core.state.isText) return core.reply(550, "SIZE not allowed in ASCII mode.");
    await core.reply(213, String((await existingFile(core, inside(core, argument))).size));
  },
  MDTM: async (core, argument) => core.reply(213, factTime((await existingFile(core, inside(core, argument))).modifiedAt)),
  MFMT: async (core, argument) => {
    const space = argument.indexOf(" ");
    const modified = parseFactTime(argument.slice(0, Math.max(space, 0)));
    if (modified === undefined) return core.reply(501, "Invalid time; write MFMT YYYYMMDDHHMMSS path.");
    const at = writable(core, argument.slice(space + 1));
    await existing(core, at);
    await personOf(core).files.setModified(at, modified);
    await core.reply(213, `Modify=${factTime(modified.toISOString())}; ${argument.slice(space + 1)}`);
  },
  MLST: async (core, argument) => {
    const listed = await listedAt(core, argument);
    const { parts } = findTarget(core, argument);
    await core.reply(250, ["Listing:", factLine(listed, core.state.facts, `/${parts.join("/")}`), "End MLST."]);
  },
  STAT: status,
  SITE: site,
};

async function goTo(core: SessionCore, path: string): Promise<void> {
  if (findTarget(core, path).target.kind === "nothing") await personOf(core).door.refresh();
  const { parts, target } = findTarget(core, path);
  if (target.kind === "nothing") return core.reply(550, "No such file or directory.");
  if (target.kind === "inside" && target.path !== "") {
    const entry = await existing(core, { siteId: target.place.siteId, path: target.path });
    if (entry.type !== "folder") return core.reply(550, "Not a directory.");
  }
  core.state.current = parts;
  await core.reply(250, `${quotedPath(parts)} is the current directory.`);
}

async function status(core: SessionCore, argument: string): Promise<void> {
  const { state } = core;
  if (argument === "") {
    const { name } = personOf(core);
    const transfer = state.transfer === null ? "No data connection." : `${state.transfer.what}: ${state.transfer.bytes} bytes so far.`;
    const protection = state.isSecure ? `TLS; data ${state.protectsData ? "protected" : "clear"}` : "no TLS";
    const kind = `TYPE: ${state.isText ? "ASCII" : "Binary"}; STRU: File; MODE: Stream`;
    return core.reply(211, [
      "Backlot FTP status:",
      `Connected from ${core.peer.address}`,
      `Logged in as ${name} (${protection})`,
      kind,
      transfer,
      "End of status.",
    ]);
  }
  const now = Date.now();
  const { name } = personOf(core);
  const lines = (await listedIn(core, argument)).map((listed) => listLine(listed, name, now).trimEnd());
  await core.reply(213, [`Status of ${JSON.stringify(argument)}:`, ...lines, "End of status."]);
}

async function site(core: SessionCore, argument: string): Promise<void> {
  const [, verb = "", rest = ""] = /^\s*(\S*)\s*(.*)$/s.exec(argument) ?? [];
  if (verb.toUpperCase() === "HELP") return core.reply(214, "SITE CHMOD mode file-name sets or clears the executable bit; there is no other.");
  if (verb.toUpperCase() !== "CHMOD") return core.reply(501, "SITE CHMOD mode file-name is understood, and SITE HELP.");
  const [, mode, path] = /^([0-7]{3,4}) (.+)$/s.exec(rest) ?? [];
  if (mode === undefined || path === undefined) return core.reply(501, "Invalid SITE CHMOD format.");
  const at = writable(core, path);
  const entry = await existing(core, at);
  // Folders have one mode only; clients that copy modes go on.
  if (entry.type === "file") await personOf(core).files.setExecutable(at, (Number.parseInt(mode, 8) & 0o100) !== 0);
  await core.reply(200, "SITE CHMOD successful.");
}
