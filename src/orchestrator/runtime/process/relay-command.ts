/** A relay from a unix socket of the machine to a port of a sandbox that has a network of its own. */
export interface RelayPlan {
  readonly programs: { readonly nsenter: string; readonly setpriv: string; readonly socat: string | null; readonly node: string; readonly relayFile: string };
  /** First process of the sandbox. */
  readonly initPid: number;
  /** Whom the relay becomes; null for an ordinary user, who enters the sandbox's user namespace instead: it is their own. */
  readonly as: { readonly uid: number; readonly gid: number; readonly mountNamespace: string } | null;
  readonly socket: string;
  readonly port: number;
}

/**
 * The relay's whole command line. It runs outside the sandbox but for its network, so that the program can neither see nor end
 * it, and dies with the orchestrator. As root it runs where launchers do, where the site's user can reach Node and the relay.
 */
export function relayCommand(plan: RelayPlan): readonly string[] {
  const { programs, as } = plan;
  const enter = [programs.nsenter, "--target", String(plan.initPid), "--net"];
  const become = as === null ? ["--user", "--preserve-credentials"] : [`--mount=${as.mountNamespace}`, "--setuid", String(as.uid), "--setgid", String(as.gid)];
  // After nsenter: a change of user clears the signal.
  return [...enter, ...become, "--", programs.setpriv, "--pdeathsig", "KILL", ...relayProgram(plan)];
}

const connections = 512;

function relayProgram(plan: RelayPlan): readonly string[] {
  const { socat, node, relayFile } = plan.programs;
  if (socat === null) return [node, relayFile, plan.socket, String(plan.port)];
  // -t: seconds that one direction may go on alone: an answer can come long after the end of its request.
  return [socat, "-t", "30", `UNIX-LISTEN:${plan.socket},fork,mode=600,backlog=512,max-children=${connections}`, `TCP4:127.0.0.1:${plan.port}`];
}
