import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ClientCommand } from "./transfers.ts";

/** What a client is asked to do; `-rest` goes on with what was cut off. */
export type FtpAction = "put-tree" | "get-tree" | "put" | "put-rest" | "get" | "get-rest";

/** A transfer between a local path and one at the door. */
export interface FtpJob {
  /** HOST:PORT of the door. */
  readonly door: string;
  readonly user: string;
  readonly password: string;
  readonly action: FtpAction;
  readonly local: string;
  /** From the root of the session, without a slash in front. */
  readonly remote: string;
  /** A local folder with the same tree, for clients that have to be told every name. */
  readonly like?: string;
  /** Where an upload goes on, for clients that have to be told. */
  readonly offset?: number;
}

/** A real client. */
export interface FtpProgram {
  readonly name: string;
  readonly isThere: boolean;
  command(job: FtpJob): ClientCommand;
}

const has = (program: string): boolean => spawnSync("which", [program]).status === 0;
const support = import.meta.dirname;

/** Every client that the door is tried with. */
export const ftpPrograms: readonly FtpProgram[] = [
  { name: "curl, FTP", isThere: has("curl"), command: (job) => curl(job, []) },
  { name: "curl, FTPS", isThere: has("curl"), command: (job) => curl(job, ["--ssl-reqd", "-k"]) },
  { name: "lftp, FTP", isThere: has("lftp"), command: (job) => lftp(job, "set ftp:ssl-allow false") },
  {
    name: "lftp, FTPS",
    isThere: has("lftp"),
    command: (job) => lftp(job, "set ssl:verify-certificate no; set ftp:ssl-force true; set ftp:ssl-protect-data true"),
  },
  { name: "Debian's ftp, active", isThere: has("tnftp"), command: tnftp },
  { name: "ftplib, FTP", isThere: has("python3"), command: (job) => python(job, "FTP") },
  { name: "ftplib, FTP_TLS", isThere: has("python3"), command: (job) => python(job, "FTP_TLS") },
  { name: "basic-ftp, FTPS", isThere: true, command: (job) => basicFtp(job) },
];

const inParallel = ["--parallel", "--parallel-max", "4"];

function curl(job: FtpJob, options: readonly string[]): ClientCommand {
  const common = ["curl", "-sS", "-u", `${job.user}:${job.password}`, ...options] as const;
  const url = (path: string): string => `ftp://${job.door}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const ways: Readonly<Record<FtpAction, () => ClientCommand>> = {
    put: () => ({ argv: [...common, "-T", job.local, url(job.remote)] }),
    "put-rest": () => ({ argv: [...common, "-C", "-", "-T", job.local, url(job.remote)] }),
    get: () => ({ argv: [...common, "-o", job.local, url(job.remote)] }),
    "get-rest": () => ({ argv: [...common, "-C", "-", "-o", job.local, url(job.remote)] }),
    // It knows no trees: each file is named. Over several connections: over one, curl 7.88 waits a second before each second file of a folder, at every server.
    "put-tree": () => ({
      argv: [...common, ...inParallel, "--ftp-create-dirs", "-K", "-"],
      input: filesIn(job.local)
        .map((path) => `upload-file = "${join(job.local, path)}"\nurl = "${url(`${job.remote}/${path}`)}"\n`)
        .join(""),
    }),
    "get-tree": () => ({
      argv: [...common, ...inParallel, "--create-dirs", "-K", "-"],
      input: filesIn(job.like ?? "")
        .map((path) => `output = "${join(job.local, path)}"\nurl = "${url(`${job.remote}/${path}`)}"\n`)
        .join(""),
    }),
  };
  return ways[job.action]();
}

function lftp(job: FtpJob, settings: string): ClientCommand {
  const ways: Readonly<Record<FtpAction, string>> = {
    put: `put ${job.local} -o ${job.remote}`,
    "put-rest": `put -c ${job.local} -o ${job.remote}`,
    get: `get ${job.remote} -o ${job.local}`,
    "get-rest": `get -c ${job.remote} -o ${job.local}`,
    "put-tree": `mirror -R --parallel=4 ${job.local} ${job.remote}`,
    "get-tree": `mirror --parallel=4 ${job.remote} ${job.local}`,
  };
  const commands = `${settings}; set net:max-retries 1; set cmd:fail-exit true; set xfer:clobber true; ${ways[job.action]}; bye`;
  return { argv: ["lftp", "-u", `${job.user},${job.password}`, "-e", commands, `ftp://${job.door}`] };
}

function tnftp(job: FtpJob): ClientCommand {
  const [host = "", port = ""] = job.door.split(":");
  const ways: Readonly<Record<FtpAction, () => string>> = {
    put: () => `put ${job.local} ${job.remote}`,
    "put-rest": () => `restart ${job.offset}\nput ${job.local} ${job.remote}`,
    get: () => `get ${job.remote} ${job.local}`,
    "get-rest": () => `reget ${job.remote} ${job.local}`,
    "put-tree": () => treeLines(job, job.local).join("\n"),
    "get-tree": () => treeLines(job, job.like ?? "").join("\n"),
  };
  return { argv: ["tnftp", "-n", "-v", "-A", "-i", host, port], input: `user "${job.user}" "${job.password}"\nbinary\n${ways[job.action]()}\nquit\n` };
}

// Folder by folder: it knows no trees either.
function treeLines(job: FtpJob, tree: string): readonly string[] {
  return ["", ...foldersIn(tree)].flatMap((folder) => {
    const [local, remote] = [join(job.local, folder), join("/", job.remote, folder)];
    const make = job.action === "put-tree" ? [`mkdir "${remote}"`] : [`!mkdir -p "${local}"`];
    return [...make, `lcd "${local}"`, `cd "${remote}"`, job.action === "put-tree" ? "mput *" : "mget *"];
  });
}

function python(job: FtpJob, kind: "FTP" | "FTP_TLS"): ClientCommand {
  const [host = "", port = ""] = job.door.split(":");
  return { argv: ["python3", join(support, "ftplib_program.py"), kind, host, port, job.user, job.password, job.action, job.local, job.remote] };
}

function basicFtp(job: FtpJob): ClientCommand {
  const [host = "", port = ""] = job.door.split(":");
  return { argv: [process.execPath, join(support, "basic-ftp-program.ts"), host, port, job.user, job.password, job.action, job.local, job.remote] };
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isFile());
}

function foldersIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isDirectory());
}
