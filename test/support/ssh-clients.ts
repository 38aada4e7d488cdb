import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import { createKey } from "#contract/api/keys.ts";
import type { Backlot } from "./backlot.ts";
import type { Person } from "./backlot-person.ts";

/** Whether a program is installed. */
export function has(program: string): boolean {
  return spawnSync("which", [program]).status === 0;
}

/** What a client did. */
export interface SshOutcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** OpenSSH's programs, as somebody with this key or password uses them. */
export class SshClients {
  readonly folder: string;
  readonly #backlot: Backlot;

  constructor(folder: string, backlot: Backlot) {
    this.folder = folder;
    this.#backlot = backlot;
  }

  get host(): string {
    return this.#backlot.ssh.split(":")[0] ?? "";
  }
  get port(): string {
    return this.#backlot.ssh.split(":")[1] ?? "";
  }

  /** Makes a pair and adds the public half to somebody's keys; the file of the private half, and the key's number. */
  async addKey(
    person: Person,
    type: readonly string[] = ["-t", "ed25519"],
  ): Promise<{ readonly file: string; readonly id: string; readonly fingerprint: string }> {
    const file = join(this.folder, `key-${person.username}-${type.join("")}-${Math.random().toString(36).slice(2)}`);
    const made = spawnSync("ssh-keygen", ["-q", ...type, "-N", "", "-C", `${person.username}@laptop`, "-f", file]);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    const { key } = await person.client.call(createKey, { body: { key: await readFile(`${file}.pub`, "utf8") } });
    return { file, id: key.id, fingerprint: key.fingerprint };
  }

  /** Options of ssh, scp and sftp alike. */
  options(key: string | null): string[] {
    const how =
      key === null ? ["-oPubkeyAuthentication=no", "-oNumberOfPasswordPrompts=1"] : ["-oIdentitiesOnly=yes", "-i", key, "-oPasswordAuthentication=no"];
    const host = ["-oStrictHostKeyChecking=no", `-oUserKnownHostsFile=${join(this.folder, "known_hosts")}`, "-oLogLevel=ERROR", "-oIdentityAgent=none"];
    return ["-F", "/dev/null", ...host, "-oKbdInteractiveAuthentication=no", "-oBatchMode=no", ...how];
  }

  /** Starts `ssh USER@host …`. */
  start(user: string, key: string | null, args: readonly string[], before: readonly string[] = []): ChildProcess {
    return spawn("ssh", [...this.options(key), ...before, "-p", this.port, `${user}@${this.host}`, ...args], { cwd: this.folder, stdio: "pipe" });
  }

  ssh(
    user: string,
    key: string,
    args: readonly string[],
    options: { readonly input?: string | Buffer; readonly before?: readonly string[] } = {},
  ): Promise<SshOutcome> {
    return outcome(this.start(user, key, args, options.before), options.input);
  }

  /** `sftp` with these commands; the first that fails ends it. */
  async sftp(user: string, key: string, commands: readonly string[]): Promise<SshOutcome> {
    return this.run("sftp", [...this.options(key), "-P", this.port, "-b", "-", `${user}@${this.host}`], { input: `${commands.join("\n")}\n` });
  }

  run(
    program: string,
    args: readonly string[],
    options: { readonly input?: string | Buffer; readonly environment?: Readonly<Record<string, string>> } = {},
  ): Promise<SshOutcome> {
    const env = { ...process.env, ...options.environment };
    return outcome(spawn(program, [...args], { cwd: this.folder, stdio: "pipe", env, timeout: 180_000 }), options.input);
  }

  /** `ssh` that is asked for its password by a program, as on a desktop. */
  async withPassword(user: string, password: string, args: readonly string[]): Promise<SshOutcome> {
    const asker = join(this.folder, "ask-password");
    await writeFile(asker, '#!/bin/sh\nprintf "%s\\n" "$TEST_PASSWORD"\n');
    await chmod(asker, 0o700);
    const environment = { SSH_ASKPASS: asker, SSH_ASKPASS_REQUIRE: "force", TEST_PASSWORD: password };
    return this.run("ssh", [...this.options(null), "-p", this.port, `${user}@${this.host}`, ...args], { environment });
  }

  /** A connection of the library, for what programs cannot be told to do. */
  async connect(username: string, key: string): Promise<ssh2.Client> {
    const client = new ssh2.Client();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    client.once("ready", resolve).once("error", reject);
    client.connect({ host: this.host, port: Number(this.port), username, privateKey: await readFile(key), strictVendor: false });
    await promise;
    return client;
  }
}

/** What a started program does, with this on its standard input. */
export function outcome(child: ChildProcess, input: string | Buffer = ""): Promise<SshOutcome> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    let stderr = "";
    child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString()}`.slice(-50_000);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
