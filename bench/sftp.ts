// SSH and SFTP: sign-ins by key, a large file and small ones, and memory of a session, beside OpenSSH's own server in the same run.
import { mkdir, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { updateSite } from "#contract/api/sites.ts";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import { SshClients } from "../test/support/ssh-clients.ts";
import { hasSshd, startSshd } from "./support/openssh.ts";
import { processUsage } from "./support/process-usage.ts";
import { quantile, type Table } from "./support/table.ts";
import { doorHeader, doorProcessOf, makeTransferFolder, rateOfFour, smallFiles } from "./support/transfer-folder.ts";

const largeBytes = 128 * 1024 ** 2;
const rounds = 3;
const sessions = 50;
const signInMs = 4_000;

/** A server under measurement. */
interface Server {
  readonly name: string;
  readonly port: number;
  readonly user: string;
  /** Folder that files go to and come from. */
  readonly folder: string;
  /** Whose memory grows with a session; null where each session is a process of its own. */
  readonly pid: number | null;
}

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using made = await makeTransferFolder("sftp", largeBytes);
  const folder = made.path;
  await using backlot = await startBacklot({ environment: { BACKLOT_SSH_CONNECTIONS: "2000", BACKLOT_SSH_CONNECTIONS_PER_ADDRESS: "2000" } });
  const clients = new SshClients(folder, backlot);
  const { file: key } = await prepare(backlot, clients);
  const pid = doorProcessOf(backlot);
  const rows = [doorHeader, await measure({ name: "Backlot", port: Number(clients.port), user: "bench/bench", folder: "", pid }, { clients, key })];
  if (!hasSshd()) return rows;
  await using peer = await startSshd(folder, `${key}.pub`);
  const remote = join(folder, "remote");
  await mkdir(remote);
  rows.push(await measure({ name: "OpenSSH", port: peer.port, user: userInfo().username, folder: `${remote}/`, pid: null }, { clients, key }));
  return rows;
}

async function prepare(backlot: Backlot, clients: SshClients): Promise<{ readonly file: string }> {
  const person = await backlot.addPerson("bench");
  await person.createSite("bench", "static");
  const admin = await backlot.admin();
  const limits = { fileBytes: 1_000_000_000, diskBytes: 5_000_000_000 };
  await admin.client.call(updateSite, { params: { name: "bench" }, body: { limits, reason: "benchmark" } });
  return clients.addKey(person);
}

interface Tools {
  readonly clients: SshClients;
  readonly key: string;
}

async function measure(server: Server, tools: Tools): Promise<string[]> {
  const memory = server.pid === null ? "a process each" : (await memoryOfSession(server, server.pid, tools)).toFixed(0);
  const signIns = await signInRate(server, tools);
  const seconds = async (command: string): Promise<number> => {
    const beganAt = performance.now();
    const args = [...tools.clients.options(tools.key), "-P", String(server.port), "-b", "-", `${server.user}@${tools.clients.host}`];
    const { code, stderr } = await tools.clients.run("sftp", args, { input: `${command}\n` });
    if (code !== 0) throw new Error(`${command}: ${stderr}`);
    return (performance.now() - beganAt) / 1000;
  };
  const [up, down]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    up.push(largeBytes / (await seconds(`put large.bin ${server.folder}large-${round}`)) / 1e6);
    down.push(largeBytes / (await seconds(`get ${server.folder}large-${round} /dev/null`)) / 1e6);
  }
  const smallUp = smallFiles / (await seconds(`put -r small ${server.folder}`));
  const smallDown = smallFiles / (await seconds(`get -r ${server.folder}small back-${server.name}`));
  const rates = [signIns, quantile(up, 0.5), quantile(down, 0.5), smallUp, smallDown];
  return [server.name, ...rates.map((rate) => rate.toFixed(0)), memory];
}

async function connected(server: Server, { clients, key }: Tools): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.once("ready", resolve).once("error", reject);
  client.connect({ host: clients.host, port: server.port, username: server.user, privateKey: await readFile(key) });
  await promise;
  return client;
}

// Four clients at once, each signing in anew as soon as it is in.
function signInRate(server: Server, tools: Tools): Promise<number> {
  return rateOfFour(signInMs, async () => void (await connected(server, tools)).end());
}

async function memoryOfSession(server: Server, pid: number, tools: Tools): Promise<number> {
  const open = async (): Promise<ssh2.Client> => {
    const client = await connected(server, tools);
    await new Promise<void>((resolve, reject) => client.sftp((error, sftp) => (error ? reject(error) : sftp.readdir(".", () => resolve()))));
    return client;
  };
  // The first sessions also load what all of them use.
  const first = await Promise.all(Array.from({ length: 10 }, open));
  const before = (await processUsage(pid)).residentBytes;
  const more = await Promise.all(Array.from({ length: sessions }, open));
  const after = (await processUsage(pid)).residentBytes;
  for (const client of [...first, ...more]) client.end();
  return (after - before) / sessions / 1024;
}
