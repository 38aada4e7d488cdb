/** A command as it was sent; the verb in capitals. */
export interface Command {
  readonly verb: string;
  readonly argument: string;
}

/** What a command needs before it is looked at any further. */
interface CommandRule {
  /** May be given before signing in. */
  readonly isOpen?: boolean;
  readonly argument: "none" | "optional" | "required";
  /** Carries files or their names over a data connection. */
  readonly usesData?: boolean;
  readonly help: string;
}

/** Every command that the door understands. */
export const commandRules: Readonly<Record<string, CommandRule>> = {
  ABOR: { argument: "none", help: "ABOR (abort the transfer)." },
  ALLO: { argument: "required", help: "ALLO <SP> bytes (no storage needs to be reserved)." },
  APPE: { argument: "required", usesData: true, help: "APPE <SP> file-name (append to a file)." },
  AUTH: { argument: "required", isOpen: true, help: "AUTH <SP> TLS (protect the connection)." },
  CCC: { argument: "none", isOpen: true, help: "CCC (refused: protection stays)." },
  CDUP: { argument: "none", help: "CDUP (go to the folder above)." },
  CLNT: { argument: "required", isOpen: true, help: "CLNT <SP> name (the client's name)." },
  CWD: { argument: "optional", help: "CWD [<SP> folder] (go to a folder)." },
  DELE: { argument: "required", help: "DELE <SP> file-name (delete a file)." },
  EPRT: { argument: "required", help: "EPRT <SP> |proto|address|port| (active data connection)." },
  EPSV: { argument: "optional", help: "EPSV [<SP> proto or ALL] (passive data connection)." },
  FEAT: { argument: "none", isOpen: true, help: "FEAT (list extensions)." },
  HELP: { argument: "optional", isOpen: true, help: "HELP [<SP> command]." },
  LIST: { argument: "optional", usesData: true, help: "LIST [<SP> path] (list a folder)." },
  MDTM: { argument: "required", help: "MDTM <SP> file-name (time of the last change)." },
  MFMT: { argument: "required", help: "MFMT <SP> time <SP> path (set the time of the last change)." },
  MKD: { argument: "required", help: "MKD <SP> folder (make a folder)." },
  MLSD: { argument: "optional", usesData: true, help: "MLSD [<SP> folder] (list a folder for programs)." },
  MLST: { argument: "optional", help: "MLST [<SP> path] (facts of one path)." },
  MODE: { argument: "required", help: "MODE <SP> S (only streams)." },
  NLST: { argument: "optional", usesData: true, help: "NLST [<SP> path] (list names)." },
  NOOP: { argument: "none", isOpen: true, help: "NOOP (do nothing)." },
  OPTS: { argument: "required", isOpen: true, help: "OPTS <SP> command [<SP> options]." },
  PASS: { argument: "optional", isOpen: true, help: "PASS [<SP> password or API token]." },
  PASV: { argument: "none", help: "PASV (passive data connection)." },
  PBSZ: { argument: "required", isOpen: true, help: "PBSZ <SP> 0 (size of protected blocks)." },
  PORT: { argument: "required", help: "PORT <SP> h1,h2,h3,h4,p1,p2 (active data connection)." },
  PROT: { argument: "required", isOpen: true, help: "PROT <SP> C or P (protect data connections)." },
  PWD: { argument: "none", help: "PWD (name the current folder)." },
  QUIT: { argument: "none", isOpen: true, help: "QUIT (end the session)." },
  REIN: { argument: "none", help: "REIN (sign out)." },
  REST: { argument: "required", help: "REST <SP> offset (where the next transfer begins)." },
  RETR: { argument: "required", usesData: true, help: "RETR <SP> file-name (fetch a file)." },
  RMD: { argument: "required", help: "RMD <SP> folder (delete an empty folder)." },
  RNFR: { argument: "required", help: "RNFR <SP> path (rename this)." },
  RNTO: { argument: "required", help: "RNTO <SP> path (to this)." },
  SITE: { argument: "optional", help: "SITE <SP> CHMOD <SP> mode <SP> file-name (the executable bit only), SITE HELP." },
  SIZE: { argument: "required", help: "SIZE <SP> file-name (bytes of a file)." },
  STAT: { argument: "optional", help: "STAT [<SP> path] (state of the session, or a listing)." },
  STOR: { argument: "required", usesData: true, help: "STOR <SP> file-name (store a file)." },
  STRU: { argument: "required", help: "STRU <SP> F (only files)." },
  SYST: { argument: "none", isOpen: true, help: "SYST (name of the system)." },
  TYPE: { argument: "required", help: "TYPE <SP> A or I (text or bytes)." },
  USER: { argument: "required", isOpen: true, help: "USER <SP> name, or name/site." },
};

/** Old spellings. */
const aliases: Readonly<Record<string, string>> = { XCUP: "CDUP", XCWD: "CWD", XMKD: "MKD", XPWD: "PWD", XRMD: "RMD", LPSV: "EPSV" };

/** Reads a line; blanks inside and at the end of an argument belong to it. */
export function parseCommand(line: string): Command {
  const trimmed = line.trimStart();
  const space = trimmed.indexOf(" ");
  const verb = (space === -1 ? trimmed : trimmed.slice(0, space)).toUpperCase();
  return { verb: aliases[verb] ?? verb, argument: space === -1 ? "" : trimmed.slice(space + 1) };
}

/** As much of a session as decides whether a command is looked at. */
export interface Standing {
  readonly isSignedIn: boolean;
  readonly isSecure: boolean;
  readonly protectsData: boolean;
  readonly requiresTls: boolean;
}

/** Before TLS, where it is required, only these are answered. */
const plainVerbs = ["AUTH", "CLNT", "FEAT", "HELP", "NOOP", "OPTS", "QUIT", "SYST"];

/** Why a command is refused before anything is done, as a reply; undefined when it is to be done. */
export function refusalOf(command: Command, standing: Standing): { readonly code: number; readonly text: string } | undefined {
  const rule = Object.hasOwn(commandRules, command.verb) ? commandRules[command.verb] : undefined;
  if (rule === undefined) return { code: 500, text: `Command ${JSON.stringify(command.verb.slice(0, 16))} not understood.` };
  if (/[\0\r\n]/.test(command.argument)) return { code: 501, text: "Syntax error: the argument holds a control character." };
  if (standing.requiresTls && !standing.isSecure && !plainVerbs.includes(command.verb))
    return { code: 550, text: "TLS is required here: send AUTH TLS first." };
  if (rule.argument === "required" && command.argument === "") return { code: 501, text: "Syntax error: command needs an argument." };
  if (rule.argument === "none" && command.argument !== "") return { code: 501, text: "Syntax error: command does not accept arguments." };
  if (rule.isOpen !== true && !standing.isSignedIn) return { code: 530, text: "Log in with USER and PASS first." };
  if (rule.usesData === true && standing.requiresTls && !standing.protectsData)
    return { code: 521, text: "TLS is required for data connections too: send PBSZ 0 and PROT P first." };
  return undefined;
}
