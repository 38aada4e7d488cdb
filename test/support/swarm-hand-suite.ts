// What becomes of a site on a swarm whose service somebody changes by hand, past Backlot; called by `swarm-sites.test.ts`.
import { expect, test } from "vitest";
import { deleteSite, readStatus } from "#contract/api/sites.ts";
import { mustRun } from "#orchestrator/runtime/process/run-command.ts";
import { entryScript, serviceName } from "#orchestrator/runtime/swarm/service-spec.ts";
import type { SwarmOpened } from "./swarm-stage.ts";

/** `programOf`: a run.sh of a site, whose every start answers with another text. */
export function swarmHandSuite(
  opened: () => SwarmOpened,
  given: { readonly programOf: (name: string) => string; readonly patience: { timeout: number } },
): void {
  const { programOf, patience } = given;
  /** A site that runs, and its service. */
  async function running(name: string) {
    const { all, admin, stage } = opened();
    const { id } = await admin.createSite(name, "dynamic");
    await stage.configure(name, { settings: { idleSeconds: null } });
    await stage.putProgram(name, programOf(name));
    const [{ host, docker }] = all.swarm.nodes;
    const service = serviceName(id, "first");
    const visit = () => all.backlot.visit(name);
    const { text } = await visit();
    expect(text).toContain(name);
    return {
      text,
      visit,
      byHand: (verb: string, ...words: readonly string[]) => mustRun(["/usr/bin/docker", "-H", host, "service", verb, ...words, service]),
      inspected: () => docker.getService(service).inspect(),
      log: () => stage.logOf(name),
      status: async () => {
        const { state, reason } = await admin.client.call(readStatus, { params: { name } });
        return { state, reason };
      },
      remove: async () => void (await admin.succeeded((await admin.client.call(deleteSite, { params: { name } })).operation)),
    };
  }

  const well = { state: "running", reason: null };
  /** Backlot has put it right: its own command, one program, which answers. */
  async function isRight({ inspected, visit, status }: Awaited<ReturnType<typeof running>>) {
    const { Spec: spec } = await inspected().catch(() => ({ Spec: null }));
    const command = spec?.TaskTemplate?.ContainerSpec?.Command?.at(-1) === entryScript;
    return { command, replicas: spec?.Mode?.Replicated?.Replicas ?? 0, answers: (await visit()).status, ...(await status()) };
  }
  const right = { command: true, replicas: 1, answers: 200, ...well };

  test("goes on with the version before while the swarm itself rolls an update back that it cannot start", { timeout: 240_000 }, async () => {
    const { stage } = opened();
    const site = await running("rolled-back");
    const load = stage.visitors(["rolled-back"]);
    await site.byHand("update", "--detach", "--no-resolve-image", "--image", "nobody/has-this:1");
    // The rest of the inspected is typed by the library; this is not.
    const updateState = async () => ((await site.inspected()) as { readonly UpdateStatus?: { readonly State?: string } }).UpdateStatus?.State;
    await expect.poll(updateState, patience).toBe("rollback_completed");
    expect((await site.visit()).text).toBe(site.text);
    expect(await isRight(site)).toEqual(right);
    expect((await load.stop()).failed).toEqual([]);

    // One that ends at once: the swarm may have ended the program before it by then.
    await site.byHand("update", "--detach", "--entrypoint", "false");
    expect((await site.inspected()).Spec?.TaskTemplate?.ContainerSpec?.Command).not.toContain(entryScript);
    await expect.poll(() => isRight(site), patience).toEqual(right);
    await site.remove();
  });

  test("puts a service right that somebody has broken or removed by hand, and says who ended its program", { timeout: 240_000 }, async () => {
    const site = await running("broken-by-hand");
    let { text } = site;
    for (const [verb, ...words] of [["update", "--detach", "--entrypoint", "sleep 1000"], ["rm"]] as const) {
      await site.byHand(verb, ...words);
      // The swarm is content with a program that runs and serves nobody.
      await expect
        .poll(async () => (await site.log()).split(`serving ${text}`).at(-1), patience)
        .toMatch(/was ended by SIG(?:TERM|KILL).*; last line: Error: The Docker engine ended this program.*next try in [\s\S]*serving /);
      await expect.poll(() => isRight(site), patience).toEqual(right);
      const now = await site.visit();
      expect(now.text).not.toBe(text);
      text = now.text;
    }
    await site.remove();
  });
}
