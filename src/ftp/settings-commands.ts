import { commandRules } from "./command.ts";
import { factNames } from "./listing.ts";
import type { CommandHandler, SessionCore } from "./session-core.ts";

/** How things are said and sent. */
export const settingsCommands: Readonly<Record<string, CommandHandler>> = {
  ALLO: async (core) => core.reply(202, "No storage allocation necessary."),
  CLNT: async (core) => core.reply(200, "Noted."),
  NOOP: async (core) => core.reply(200, "I successfully did nothing."),
  QUIT: async (core) => core.end(221, "Goodbye."),
  SYST: async (core) => core.reply(215, "UNIX Type: L8"),
  TYPE: async (core, argument) => {
    const type = argument.toUpperCase().replaceAll(" ", "");
    if (type === "A" || type === "AN" || type === "L7") {
      core.state.isText = true;
      return core.reply(200, "Type set to: ASCII.");
    }
    if (type !== "I" && type !== "L8") return core.reply(504, `Unsupported type ${JSON.stringify(argument.slice(0, 16))}.`);
    core.state.isText = false;
    await core.reply(200, "Type set to: Binary.");
  },
  MODE: async (core, argument) => {
    const mode = argument.toUpperCase();
    if (mode === "S") return core.reply(200, "Transfer mode set to: S");
    await core.reply(mode === "B" || mode === "C" ? 504 : 501, "Only the mode S (stream) is understood.");
  },
  STRU: async (core, argument) => {
    const structure = argument.toUpperCase();
    if (structure === "F") return core.reply(200, "File transfer structure set to: F.");
    await core.reply(structure === "P" || structure === "R" ? 504 : 501, "Only the structure F (file) is understood.");
  },
  OPTS: options,
  FEAT: features,
  HELP: async (core, argument) => {
    const verb = argument.trim().toUpperCase();
    const rule = Object.hasOwn(commandRules, verb) ? commandRules[verb] : undefined;
    if (rule !== undefined) return core.reply(214, `Syntax: ${rule.help}`);
    if (verb !== "") return core.reply(501, "Unrecognized command.");
    const verbs = Object.keys(commandRules);
    const rows = Array.from({ length: Math.ceil(verbs.length / 8) }, (_, row) =>
      verbs
        .slice(row * 8, row * 8 + 8)
        .map((each) => each.padEnd(6))
        .join("")
        .trimEnd(),
    );
    await core.reply(214, ["The following commands are recognized:", ...rows, "Help command successful."]);
  },
  REST: async (core, argument) => {
    if (core.state.isText) return core.reply(501, "Resuming transfers not allowed in ASCII mode.");
    if (!/^\d{1,15}$/.test(argument)) return core.reply(501, "Invalid parameter.");
    core.state.restOffset = Number(argument);
    await core.reply(350, `Restarting at position ${argument}.`);
  },
};

async function options(core: SessionCore, argument: string): Promise<void> {
  const [name = "", value = ""] = argument.trim().split(/\s+/, 2);
  if (name.toUpperCase() === "UTF8") return core.reply(value.toUpperCase() === "OFF" ? 504 : 200, "UTF-8 is always on.");
  if (name.toUpperCase() !== "MLST") return core.reply(501, "Unsupported command for OPTS.");
  const asked = value.toLowerCase().split(";");
  core.state.facts = factNames.filter((fact) => asked.includes(fact));
  await core.reply(200, `MLST OPTS ${core.state.facts.map((fact) => `${fact};`).join("")}`);
}

async function features(core: SessionCore): Promise<void> {
  const facts = factNames.map((fact) => `${fact}${core.state.facts.includes(fact) ? "*" : ""};`).join("");
  const all = ["AUTH TLS", "CLNT", "EPRT", "EPSV", "MDTM", "MFMT", `MLST ${facts}`, "PBSZ", "PROT", "REST STREAM", "SIZE", "TVFS", "UTF8"];
  await core.reply(211, ["Features supported:", ...all, "End FEAT."]);
}
