import { writeFile } from "#contract/api/files.ts";
import { pathOf } from "#contract/client.ts";
import { Failure, failureOf } from "#contract/failure.ts";
import { wordsOf } from "./api.ts";
import { refreshFiles } from "./data-files.ts";
import { createStore } from "./store.ts";
import { guardWhile } from "./upload-guard.ts";

export interface Upload {
  readonly id: number;
  readonly site: string;
  readonly path: string;
  readonly size: number;
  readonly sent: number;
  readonly state: "waiting" | "sending" | "done" | "failed" | "exists";
  readonly problem: string | null;
}

export interface ChosenFile {
  readonly path: string;
  readonly file: File;
}

/** Every upload of this tab until it is put away. */
export const uploads = createStore<readonly Upload[]>([]);
guardWhile(uploads, (all) => all.some(({ state }) => state === "waiting" || state === "sending"), window);

/** Files sent at once; more would take the connections that pages need. */
const parallel = 2;
const queue: { id: number; site: string; chosen: ChosenFile; mayReplace: boolean }[] = [];
const files = new Map<number, ChosenFile>();
let active = 0;
let lastId = 0;

const patch = (id: number, change: Partial<Upload>): void => uploads.set((all) => all.map((each) => (each.id === id ? { ...each, ...change } : each)));

/** Queues files. One that exists already is not overwritten: it waits for a decision. */
export function startUploads(site: string, chosen: readonly ChosenFile[]): void {
  const added = chosen.map((each) => {
    const id = ++lastId;
    files.set(id, each);
    queue.push({ id, site, chosen: each, mayReplace: false });
    return { id, site, path: each.path, size: each.file.size, sent: 0, state: "waiting" as const, problem: null };
  });
  uploads.set((all) => [...all, ...added]);
  pump();
}

/** Answers for uploads that met a file of the same name. */
export function decideExisting(site: string, decision: "replace" | "skip"): void {
  const waiting = uploads.get().filter((each) => each.site === site && each.state === "exists");
  if (decision === "skip") {
    uploads.set((all) => all.filter((each) => !waiting.includes(each)));
    return;
  }
  for (const { id } of waiting) again(id, true);
}

export function retryUpload(id: number): void {
  again(id, false);
}

export function clearUploads(site: string): void {
  uploads.set((all) => all.filter((each) => each.site !== site || each.state === "sending" || each.state === "waiting"));
}

function again(id: number, mayReplace: boolean): void {
  const upload = uploads.get().find((each) => each.id === id);
  const chosen = files.get(id);
  if (upload === undefined || chosen === undefined) return;
  patch(id, { state: "waiting", sent: 0, problem: null });
  queue.push({ id, site: upload.site, chosen, mayReplace });
  pump();
}

function pump(): void {
  while (active < parallel) {
    const next = queue.shift();
    if (next === undefined) return;
    active++;
    patch(next.id, { state: "sending" });
    send(next)
      .then(
        () => {
          patch(next.id, { state: "done", sent: next.chosen.file.size });
          files.delete(next.id);
        },
        (error: unknown) => {
          const exists = error instanceof Failure && error.code === "file_changed";
          patch(next.id, exists ? { state: "exists" } : { state: "failed", problem: wordsOf(error) });
        },
      )
      .finally(() => {
        active--;
        if (queue.length === 0 || queue.every((each) => each.site !== next.site)) void refreshFiles(next.site);
        pump();
      });
  }
}

/** XMLHttpRequest and not fetch: only it tells how much has been sent. */
function send({ id, site, chosen, mayReplace }: { id: number; site: string; chosen: ChosenFile; mayReplace: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(writeFile.method, pathOf(writeFile, { params: { name: site, "*": chosen.path } }));
    request.setRequestHeader("content-type", writeFile.body.mediaType);
    if (!mayReplace) request.setRequestHeader("if-none-match", "*");
    request.upload.onprogress = ({ loaded }) => patch(id, { sent: loaded });
    request.onerror = () => reject(new Failure("component_away", { component: "server" }));
    request.onload = () => (request.status < 300 ? resolve() : reject(failureOf(request.status, problemIn(request.responseText))));
    request.send(chosen.file);
  });
}

function problemIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A gateway's page instead of a problem document: the status has to do.
    return undefined;
  }
}
