import { type DataAddress, parseEprt, parsePort, pasvText, plainAddress, refusedDataAddress } from "./data-address.ts";
import { ActiveChannel, PassiveChannel } from "./data-channel.ts";
import type { CommandHandler, SessionCore } from "./session-core.ts";

/** How data connections come about. */
export const dataCommands: Readonly<Record<string, CommandHandler>> = {
  PASV: async (core) => {
    if (core.state.onlyEpsv) return core.reply(501, "PASV not allowed after EPSV ALL.");
    const host = core.deps.rules.masqueradeAddress ?? core.peer.localAddress;
    if (pasvText(host, 0) === undefined) return core.reply(425, "PASV is for IPv4; use EPSV.");
    const channel = await openPassive(core);
    await core.reply(227, `Entering passive mode (${pasvText(host, channel.port)}).`);
  },
  EPSV: async (core, argument) => {
    const protocol = argument.trim().toUpperCase();
    if (protocol === "ALL") {
      core.state.onlyEpsv = true;
      return core.reply(220, "Other commands other than EPSV are now disabled.");
    }
    const family = plainAddress(core.peer.localAddress).includes(":") ? "2" : "1";
    if (protocol !== "" && protocol !== family) return core.reply(522, `Network protocol not supported (use ${family}).`);
    const channel = await openPassive(core);
    await core.reply(229, `Entering extended passive mode (|||${channel.port}|).`);
  },
  PORT: async (core, argument) => {
    if (core.state.onlyEpsv) return core.reply(501, "PORT not allowed after EPSV ALL.");
    const asked = parsePort(argument);
    if (asked === undefined) return core.reply(501, "Invalid PORT format.");
    await openActive(core, asked, "PORT");
  },
  EPRT: async (core, argument) => {
    if (core.state.onlyEpsv) return core.reply(501, "EPRT not allowed after EPSV ALL.");
    const asked = parseEprt(argument);
    if (asked === undefined) return core.reply(501, "Invalid EPRT format.");
    if (asked === "protocol") return core.reply(522, "Network protocol not supported (use 1 or 2).");
    await openActive(core, asked, "EPRT");
  },
  ABOR: async (core) => {
    const { state } = core;
    const wasAborted = state.wasAborted;
    state.wasAborted = false;
    if (wasAborted) return core.reply(226, "ABOR command successful.");
    const hadChannel = state.data !== null;
    dropChannel(core);
    await core.reply(225, hadChannel ? "ABOR command successful; data channel closed." : "No transfer to abort.");
  },
};

function dropChannel(core: SessionCore): void {
  core.state.data?.close();
  core.state.data = null;
}

async function openPassive(core: SessionCore): Promise<PassiveChannel> {
  dropChannel(core);
  const { peer, deps } = core;
  const channel = await PassiveChannel.open({ host: plainAddress(peer.localAddress), client: peer.address, ports: deps.rules.passivePorts });
  core.state.data = channel;
  return channel;
}

async function openActive(core: SessionCore, asked: DataAddress, verb: string): Promise<void> {
  const refusal = refusedDataAddress(asked, core.peer.address);
  if (refusal !== undefined) return core.reply(501, refusal);
  dropChannel(core);
  core.state.data = new ActiveChannel({ host: plainAddress(core.peer.address), port: asked.port, localAddress: plainAddress(core.peer.localAddress) });
  await core.reply(200, `${verb} command successful.`);
}
