import { basename, resolve } from "node:path";
import { createSite, deploySite, readSite } from "#contract/api/sites.ts";
import type { SiteView } from "#contract/api/views.ts";
import { Failure } from "#contract/failure.ts";
import { isSiteName } from "#contract/site.ts";
import { CliError, usageError } from "../exit-code.ts";
import { type FolderPlan, planFolder } from "../folder-plan.ts";
import { awaitOperation, settle } from "../follow-operation.ts";
import { packFolder } from "../pack-folder.ts";
import { needSignIn, type Session } from "../session.ts";
import { bytesText } from "../terminal.ts";
import { transferBar } from "../transfer-bar.ts";

/** How a folder is deployed. */
export interface DeployOptions {
  readonly site?: string;
  readonly include?: readonly string[];
  readonly create?: boolean;
  readonly wait?: boolean;
}

/** Sends a folder as one archive and waits until it is in place. */
export async function deploy(session: Session, folder: string, options: DeployOptions): Promise<void> {
  needSignIn(session);
  const name = options.site ?? nameOf(folder);
  const plan = await planFolder(folder, options.include);
  if (plan.files === 0) throw usageError(`There is nothing to deploy in ${folder}.`);
  for (const path of plan.special) session.note(`Left out ${path}: it is neither a file, a folder nor a link.`);
  const site = await siteOf(session, name, { ...options, isDynamic: hasTop(plan, "run.sh") });
  const prefix = prefixOf(session, plan, site);
  const operation = await settle(session, await upload(session, site, { plan, prefix }), options);
  const report = { site: { name: site.name, url: site.url }, files: plan.files, bytes: plan.bytes, operation };
  await session.answer(report, `${site.url}\n`);
}

function nameOf(folder: string): string {
  const name = basename(resolve(folder));
  if (isSiteName(name)) return name;
  throw usageError(`The folder's name ${name} cannot be a site's name. Say which site is meant: --site NAME.`);
}

async function siteOf(session: Session, name: string, options: DeployOptions & { readonly isDynamic: boolean }): Promise<SiteView> {
  try {
    return (await session.client.call(readSite, { params: { name } })).site;
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "site_not_found") throw error;
    const kind = options.isDynamic ? "dynamic" : "static";
    if (!options.create) {
      const hint = `Make it by \`backlot create ${name} --kind ${kind}\`, add --create, or name another by --site.`;
      throw new CliError("site_not_found", `There is no site called ${name} that you can see. ${hint}`, { exitCode: 4, cause: error });
    }
    session.note(`Creating the ${kind} site ${name}`);
    const made = await session.client.call(createSite, { body: { name, kind } });
    await awaitOperation(session, made.operation);
    return made.site;
  }
}

function prefixOf(session: Session, plan: FolderPlan, site: SiteView): string {
  if (site.kind !== "static" || hasTop(plan, "public")) return "";
  session.note("There is no public/ in the folder, so its files go under public/, where a static site is served from.");
  return "public/";
}

function hasTop(plan: FolderPlan, name: string): boolean {
  return plan.entries.some((entry) => entry.path === name);
}

async function upload(session: Session, site: SiteView, sending: { readonly plan: FolderPlan; readonly prefix: string }) {
  const { plan, prefix } = sending;
  const bar = transferBar(session, `Sending ${plan.files} ${plan.files === 1 ? "file" : "files"}, ${bytesText(plan.bytes)}`, plan.bytes);
  let packError: unknown;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* packFolder(plan, { prefix, onProgress: bar.update });
    } catch (error) {
      packError = error;
      throw error;
    }
  };
  try {
    const { operation } = await session.client.call(deploySite, { params: { name: site.name }, body: body() });
    return operation;
  } catch (error) {
    // fetch would blame the connection for what went wrong while reading the folder.
    throw packError ?? error;
  } finally {
    bar.end();
  }
}
