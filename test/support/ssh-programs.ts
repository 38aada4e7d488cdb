import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { has, type SshClients } from "./ssh-clients.ts";
import type { ClientCommand } from "./transfers.ts";

/** What a client is asked to do; `-rest` goes on with what was cut off. */
export type SshAction = "put-tree" | "get-tree" | "put" | "put-rest" | "get" | "get-rest";

/** A transfer between a local path and one at the door. */
export interface SshJob {
  readonly clients: SshClients;
  /** `USER+SITE`, and the file of their private key. */
  readonly user: string;
  readonly key: string;
  readonly action: SshAction;
  readonly local: string;
  /** From the root of the site, without a slash in front. */
  readonly remote: string;
  /** A local folder with the same tree, for clients that have to be told every name. */
  readonly like?: string;
}

/** A real client. */
export interface SshProgram {
  readonly name: string;
  readonly isThere: boolean;
  /** Whether it can go on with what was cut off; otherwise it begins anew. */
  readonly resumes: boolean;
  /** How it is ended in the middle: rsync keeps its part only when it may. */
  readonly cutBy: NodeJS.Signals;
  command(job: SshJob): ClientCommand;
}

/** Every client of SSH that the door is tried with. */
export const sshPrograms: readonly SshProgram[] = [
  { name: "sftp", isThere: has("sftp"), resumes: true, cutBy: "SIGKILL", command: sftp },
  { name: "scp", isThere: has("scp"), resumes: false, cutBy: "SIGKILL", command: (job) => scp(job, []) },
  { name: "scp -O", isThere: has("scp"), resumes: false, cutBy: "SIGKILL", command: (job) => scp(job, ["-O"]) },
  { name: "rsync", isThere: has("rsync"), resumes: true, cutBy: "SIGTERM", command: rsync },
  { name: "curl, SFTP", isThere: has("curl") && curlKnowsSftp(), resumes: true, cutBy: "SIGKILL", command: curl },
];

function sftp({ clients, user, key, action, local, remote }: SshJob): ClientCommand {
  const lines: Readonly<Record<SshAction, string>> = {
    "put-tree": `put -r "${local}" "${remote}"`,
    "get-tree": `get -r "${remote}" "${local}"`,
    put: `put "${local}" "${remote}"`,
    "put-rest": `reput "${local}" "${remote}"`,
    get: `get "${remote}" "${local}"`,
    "get-rest": `reget "${remote}" "${local}"`,
  };
  return { argv: ["sftp", ...clients.options(key), "-P", clients.port, "-b", "-", `${user}@${clients.host}`], input: `${lines[action]}\nbye\n` };
}

function scp({ clients, user, key, action, local, remote }: SshJob, options: readonly string[]): ClientCommand {
  const there = `${user}@${clients.host}:${remote}`;
  const recursive = action.endsWith("tree") ? ["-r"] : [];
  const way = action.startsWith("put") ? [local, there] : [there, local];
  return { argv: ["scp", "-q", ...options, ...clients.options(key), "-P", clients.port, ...recursive, ...way] };
}

function rsync({ clients, user, key, action, local, remote }: SshJob): ClientCommand {
  const there = `${user}@${clients.host}:${remote}`;
  const slash = action.endsWith("tree") ? "/" : "";
  const way = action.startsWith("put") ? [`${local}${slash}`, `${there}${slash}`] : [`${there}${slash}`, `${local}${slash}`];
  const shell = `ssh ${clients.options(key).join(" ")} -p ${clients.port}`;
  return { argv: ["rsync", "-a", "--no-owner", "--no-group", "--partial", "-e", shell, ...way] };
}

// It knows no trees: each file is named, and goes over one connection.
function curl({ clients, user, key, action, local, remote, like = "" }: SshJob): ClientCommand {
  const common = ["curl", "-sS", "--insecure", "--key", key, "--pubkey", `${key}.pub`, "-u", `${user}:`] as const;
  const url = (path: string): string => `sftp://${clients.host}:${clients.port}/${path.split("/").map(encodeURIComponent).join("/")}`;
  const rest = action.endsWith("-rest") ? ["-C", "-"] : [];
  if (action === "put-tree")
    return {
      argv: [...common, "--ftp-create-dirs", "-K", "-"],
      input: each(local, (path) => `upload-file = "${join(local, path)}"\nurl = "${url(`${remote}/${path}`)}"\n`),
    };
  if (action === "get-tree")
    return {
      argv: [...common, "--create-dirs", "-K", "-"],
      input: each(like, (path) => `output = "${join(local, path)}"\nurl = "${url(`${remote}/${path}`)}"\n`),
    };
  return { argv: [...common, ...rest, ...(action.startsWith("put") ? ["-T", local] : ["-o", local]), url(remote)] };
}

function each(folder: string, line: (path: string) => string): string {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isFile());
  return files.map(line).join("");
}

function curlKnowsSftp(): boolean {
  return spawnSync("curl", ["--version"], { encoding: "utf8" }).stdout.includes("sftp");
}
