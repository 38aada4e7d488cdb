import type { ScriptView } from "#contract/task.ts";
import type { ActorSite } from "#core/sites/site.ts";
import type { CreateTaskDeps } from "#core/tasks/create-task.ts";
import type { ScriptList, ScriptShelf } from "#core/tasks/script-shelf.ts";
import { FakeTaskStore } from "./fake-task-store.ts";

/** Scripts that a test puts on the shelf, by the number of the site; 0 is the library. */
export class FakeScriptShelf implements ScriptShelf {
  readonly scripts = new Map<number, readonly ScriptView[]>();

  async list(siteId: number | null): Promise<ScriptList> {
    return { scripts: this.scripts.get(siteId ?? 0) ?? [], allowsCommands: true };
  }

  async find(siteId: number | null, path: string): Promise<ScriptView | null> {
    return this.scripts.get(siteId ?? 0)?.find((script) => script.path === path) ?? null;
  }
}

/** What creating tasks needs, over sites that everyone sees by their names. */
export function taskRules(sites: readonly ActorSite[], changes: Partial<Omit<CreateTaskDeps, "tasks" | "scripts">> = {}) {
  const tasks = new FakeTaskStore((_actor, id) => sites.find((site) => site.id === id) ?? null);
  const scripts = new FakeScriptShelf();
  let count = 0;
  return {
    tasks,
    scripts,
    sites: { forActor: async (_actor: unknown, name: string) => sites.find((site) => site.name === name) ?? null },
    host: { capabilities: async () => null },
    runPolicy: { mayEveryoneRunUnisolated: false },
    allowsCommands: false,
    seal: (text: string) => `sealed ${text}`,
    newId: () => {
      count += 1;
      return `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
    },
    maxWaiting: 100,
    ...changes,
  };
}
