// Transfers by npm's basic-ftp, as a process of its own that can be killed: HOST PORT USER PASSWORD ACTION LOCAL REMOTE.
import { statSync } from "node:fs";
import { Client } from "basic-ftp";

const [host = "", port = "", user = "", password = "", action = "", local = "", remote = ""] = process.argv.slice(2);
const client = new Client(60_000);
await client.access({ host, port: Number(port), user, password, secure: true, secureOptions: { rejectUnauthorized: false } });
const actions: Readonly<Record<string, () => Promise<unknown>>> = {
  "put-tree": () => client.uploadFromDir(local, remote),
  "get-tree": () => client.downloadToDir(local, remote),
  put: () => client.uploadFrom(local, remote),
  "put-rest": async () => client.appendFrom(local, remote, { localStart: await client.size(remote) }),
  get: () => client.downloadTo(local, remote),
  "get-rest": () => client.downloadTo(local, remote, statSync(local).size),
};
await actions[action]?.();
client.close();
