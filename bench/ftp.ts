// FTP and FTPS: sign-ins, large and small files, and memory of a session, beside Debian's pyftpdlib in the same run.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createToken } from "#contract/api/accounts.ts";
import { type Backlot, startBacklot } from "../test/support/backlot.ts";
import { RawFtp, SecureFtp } from "../test/support/ftp-clients.ts";
import { ftpPrograms } from "../test/support/ftp-programs.ts";
import { processUsage } from "./support/process-usage.ts";
import { hasPyftpdlib, startPyftpdlib } from "./support/pyftpdlib.ts";
import { quantile, type Table } from "./support/table.ts";
import { doorHeader, doorProcessOf, makeTransferFolder, rateOfFour, smallFiles, type TransferFolder } from "./support/transfer-folder.ts";

const runProgram = promisify(execFile);
const largeBytes = 64 * 1024 ** 2;
const rounds = 2;
const sessions = 100;
const signInMs = 2_000;

/** A server under measurement. */
interface Server {
  readonly name: string;
  readonly door: string;
  readonly pid: number;
  readonly isTls: boolean;
  readonly accounts: readonly { readonly kind: string; readonly user: string; readonly password: string }[];
}

/** Measures and gives the table. */
export async function run(): Promise<Table> {
  await using folder = await makeTransferFolder("ftp", largeBytes);
  const environment = { BACKLOT_FTP_DEMO_ACCOUNT: "ftp:ftp", BACKLOT_FTP_CONNECTIONS: "2000", BACKLOT_FTP_CONNECTIONS_PER_ADDRESS: "2000" };
  await using backlot = await startBacklot({ environment });
  const rows: string[][] = [doorHeader];
  for (const isTls of [false, true]) {
    rows.push(await measure({ ...(await serverOf(backlot)), isTls, name: isTls ? "Backlot, FTPS" : "Backlot, FTP" }, folder));
    // Debian's pyftpdlib 1.5.7 fails curl in TLS ("Bad PASV/EPSV response: 200"): there is nothing to compare.
    if (isTls || !(await hasPyftpdlib())) continue;
    await using peer = await startPyftpdlib();
    const accounts = [{ kind: "", user: "ftp", password: "ftp" }];
    rows.push(await measure({ name: "pyftpdlib, FTP", door: peer.door, pid: peer.pid, isTls, accounts }, folder));
  }
  return rows;
}

async function serverOf(backlot: Backlot): Promise<Omit<Server, "name" | "isTls">> {
  const name = `bench${Date.now() % 100_000}`;
  const person = await backlot.addPerson(name);
  const { secret } = await person.client.call(createToken, { body: { name: "ftp", scopes: ["files"] } });
  const accounts = [
    { kind: "demo", user: "ftp", password: "ftp" },
    { kind: "password", user: name, password: `password of ${name}` },
    { kind: "token", user: name, password: secret },
  ];
  return { door: backlot.ftp, pid: doorProcessOf(backlot), accounts };
}

async function measure(server: Server, folder: TransferFolder): Promise<string[]> {
  const memory = await memoryOfSession(server);
  const rates: string[] = [];
  for (const account of server.isTls ? [] : server.accounts) rates.push(`${(await signInRate(server, account)).toFixed(0)} ${account.kind}`.trim());
  const [up, down]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const remote = `large-${server.isTls ? "tls" : "plain"}-${round}.bin`;
    up.push(await speed(server, ["-w", "%{speed_upload}", "-T", folder.largeFile, `ftp://${server.door}/${remote}`]));
    down.push(await speed(server, ["-w", "%{speed_download}", "-o", "/dev/null", `ftp://${server.door}/${remote}`]));
  }
  const small = await smallRates(server, folder);
  const megabytes = (speeds: readonly number[]): string => (quantile(speeds, 0.5) / 1e6).toFixed(0);
  return [server.name, rates.join(", ") || "–", megabytes(up), megabytes(down), ...small.map((rate) => rate.toFixed(0)), memory.toFixed(0)];
}

async function speed(server: Server, args: readonly string[]): Promise<number> {
  const tls = server.isTls ? ["--ssl-reqd", "-k"] : [];
  const { stdout } = await runProgram("curl", ["-sS", "-u", "ftp:ftp", ...tls, ...args]);
  return Number(stdout);
}

// Python's ftplib, one file after another over one connection: the client is the same for both.
async function smallRates(server: Server, folder: TransferFolder): Promise<readonly number[]> {
  const program = ftpPrograms.find(({ name }) => name === (server.isTls ? "ftplib, FTP_TLS" : "ftplib, FTP"));
  if (program === undefined) throw new Error("there is no such client");
  const back = join(folder.path, `back-${server.name}`);
  const rates: number[] = [];
  for (const [action, local] of [
    ["put-tree", folder.smallFolder],
    ["get-tree", back],
  ] as const) {
    const { argv } = program.command({ door: server.door, user: "ftp", password: "ftp", action, local, remote: server.isTls ? "small-tls" : "small" });
    const beganAt = performance.now();
    await runProgram(argv[0], argv.slice(1));
    rates.push(smallFiles / ((performance.now() - beganAt) / 1000));
  }
  return rates;
}

type Account = Server["accounts"][number];

function signInRate(server: Server, account: Account): Promise<number> {
  return rateOfFour(signInMs, async () => {
    await using _ftp = await signedIn(server, account);
  });
}

async function signedIn(server: Server, { user, password }: Account): Promise<RawFtp> {
  const ftp = new RawFtp(server.door);
  await ftp.reply();
  await ftp.ask(`USER ${user}`);
  const answer = await ftp.ask(`PASS ${password}`);
  if (!answer.startsWith("230")) throw new Error(`${server.name}: ${answer}`);
  return ftp;
}

// As long as they are open and quiet; what the first one loads is not counted.
async function memoryOfSession(server: Server): Promise<number> {
  const [account] = server.accounts;
  if (account === undefined) throw new Error("there is no account");
  await using _first = await open(server, account);
  const before = processUsage(server.pid).residentBytes;
  const crowd = await Promise.all(Array.from({ length: sessions }, () => open(server, account)));
  const after = processUsage(server.pid).residentBytes;
  for (const ftp of crowd) await ftp[Symbol.asyncDispose]();
  return (after - before) / sessions / 1000;
}

async function open(server: Server, account: Account): Promise<AsyncDisposable> {
  if (!server.isTls) return signedIn(server, account);
  const ftp = new RawFtp(server.door);
  await ftp.reply();
  const secure = await SecureFtp.open(ftp);
  await secure.protect();
  return secure;
}
