// A process that hosts a process runtime, to be killed or to be run as another user: starts sites as told by its one argument
// (JSON), prints a line of JSON when they listen, and closes the runtime when its input ends.
import { text } from "node:stream/consumers";
import { silentLog } from "#kit/log.ts";
import { createProcessRuntime } from "#orchestrator/runtime/process/process-runtime.ts";
import { makeSite, type SiteGiven } from "./process-runtime-harness.ts";

export interface HostOrder {
  readonly stateFolder: string;
  readonly sitesFolder: string;
  readonly installation: string;
  readonly mode: "auto" | "veth" | "relay" | "plain";
  readonly hasSocat?: boolean;
  readonly sites: readonly SiteGiven[];
  /** Commands to run in the home folder, one after the other; needs `home`. */
  readonly commands?: readonly string[];
  readonly home?: { readonly folder: string; readonly library: string };
  /** Shells on terminals to enter the first site with; each is typed this line, and what it shows until its end or the word `ready` is told. */
  readonly typed?: readonly string[];
  /** Freeze the programs once they listen. */
  readonly freezes?: boolean;
  /** Whether to wait until the programs listen; else until they end. */
  readonly waits: "until they listen" | "until they end";
}

// The test that starts this writes the argument.
const order = JSON.parse(process.argv[2] ?? "") as HostOrder;
const runtime = createProcessRuntime({ ...order, log: silentLog() });
const cleaned = await runtime.cleanUp();
const capabilities = await runtime.probe();
const started = await Promise.all(
  order.sites.map(async (given) => {
    let printed = "";
    const running = await runtime.start(
      makeSite(order.sitesFolder, given, (_stream, chunk) => {
        printed += chunk;
      }),
    );
    if (order.waits === "until they listen") {
      await running.whenListening(AbortSignal.timeout(60_000));
      if (order.freezes === true) await running.freeze();
      return { address: running.address };
    }
    const exit = await running.exited;
    return { exit, printed };
  }),
);
const ran = [];
for (const [index, command] of (order.commands ?? []).entries()) {
  let printed = "";
  const running = await runtime.run({
    run: `command-${index}`,
    place: { kind: "home", timeZone: "UTC" },
    command: { kind: "command", command },
    arguments: [],
    environment: {},
    limits: { cpu: 1, memoryBytes: 200_000_000, pids: 20 },
    onOutput: (_stream, chunk) => {
      printed += Buffer.from(chunk).toString();
      return undefined;
    },
  });
  ran.push({ exit: await running.exited, printed });
}
const shown = [];
for (const [index, line] of (order.typed ?? []).entries()) {
  const { spec, folder } = makeSite(order.sitesFolder, { siteId: 1, isTrusted: order.mode === "plain" }, () => undefined);
  const size = { cols: 80, rows: 24 };
  const program = await runtime.enter({ key: `typed-${index}`, spec, folder, command: null, size, environment: {} });
  let text = "";
  const isReady = new Promise<void>((resolve) =>
    program.output.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("ready\r\n")) resolve();
    }),
  );
  program.output.resume();
  program.input.write(`${line}\r`);
  await Promise.race([isReady, program.exited]);
  shown.push(text);
}
console.log(JSON.stringify({ cleaned, shown, capabilities, started, ran }));
await text(process.stdin);
await runtime.close();
console.log("closed");
