import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { choosePorts } from "./ports.ts";

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => void server.close()));

async function hold(host = "127.0.0.1"): Promise<number> {
  const server = createServer().listen(0, host);
  servers.push(server);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const door = (setting: string, port: number, host = "127.0.0.1") => ({ setting, host, port });

describe("the ports of the doors", () => {
  it("that are 0 become different free ones, out of reach of outgoing connections", async () => {
    const { ports, problems } = await choosePorts([door("A", 0), door("B", 0), door("C", 0), { host: "127.0.0.1", port: 0 }]);
    expect(problems).toEqual([]);
    expect(new Set(ports).size).toBe(4);
    const lowestOutgoing = Number.parseInt(await readFile("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), 10);
    for (const port of ports) expect(port).toBeLessThan(lowestOutgoing);
  });

  it("that are given stay as they are when they are free", async () => {
    const { ports } = await choosePorts([door("A", 0)]);
    const free = ports[0] ?? 0;
    expect(await choosePorts([door("A", free)])).toEqual({ ports: [free], problems: [] });
  });

  it("that are taken are named together with their settings", async () => {
    const [one, other] = [await hold(), await hold("0.0.0.0")];
    const { problems } = await choosePorts([door("ONE_PORT", one), door("OTHER_PORT", other)]);
    expect(problems).toEqual([
      `ONE_PORT: another program listens at 127.0.0.1:${one} already; end it, or set ONE_PORT to another port (0 takes any free one)`,
      `OTHER_PORT: another program listens at 127.0.0.1:${other} already; end it, or set OTHER_PORT to another port (0 takes any free one)`,
    ]);
  });

  it("cannot be the same for two doors", async () => {
    const { ports } = await choosePorts([door("A", 0)]);
    const free = ports[0] ?? 0;
    expect((await choosePorts([door("ONE_PORT", free), door("OTHER_PORT", free)])).problems).toEqual([
      `OTHER_PORT: the port ${free} is given to two doors; change one of them`,
    ]);
  });

  it("at an address that this machine does not have are refused with the setting of the address", async () => {
    const { problems } = await choosePorts([door("A", 18_000, "203.0.113.7")]);
    expect(problems).toEqual(["BACKLOT_HOST: this machine has no address 203.0.113.7"]);
  });
});
