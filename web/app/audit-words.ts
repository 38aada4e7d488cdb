// Actions are `noun.verb`; what is not in this table is shown as it is, so that a new action never hides.
const words: Readonly<Record<string, string>> = {
  "session.create": "signed in",
  "session.delete": "signed out",
  "session.failed": "failed to sign in",
  "password.update": "changed the password",
  "setup.create": "set up Backlot",
  "tokens.create": "made an API token",
  "tokens.delete": "revoked an API token",
  "keys.create": "added an SSH key",
  "keys.delete": "removed an SSH key",
  "users.create": "added a user",
  "users.update": "changed a user",
  "sites.create": "created the site",
  "sites.update": "changed settings",
  "sites.rename": "renamed the site",
  "sites.delete": "deleted the site",
  "sites.restart": "restarted the site",
  "sites.sleep": "put the site to sleep",
  "sites.wake": "started the site",
  "sites.environment.write": "changed the variables",
  "cache.purge": "emptied the page cache",
  "database.add": "added a database",
  "database.password": "changed the database's password",
  "database.delete": "deleted the database",
  "members.set": "set a member's role",
  "members.remove": "removed a member",
  "files.write": "wrote a file",
  "files.delete": "deleted a file",
  "files.move": "moved a file",
  "files.overwrite": "overwrote a file",
  "files.restore": "restored a file",
  "deployments.create": "deployed",
  "tasks.create": "ran a script",
  "tasks.cancel": "cancelled a task",
  "tasks.rerun": "ran a task again",
  "schedules.create": "made a schedule",
  "schedules.update": "changed a schedule",
  "schedules.pause": "paused a schedule",
  "schedules.delete": "deleted a schedule",
  "schedules.run": "ran a schedule's task",
  "terminal.open": "opened a terminal",
  "images.create": "added an image",
  "images.update": "changed an image",
  "images.delete": "deleted an image",
  "nodes.drain": "drained a machine",
  "nodes.undrain": "let a machine take sites again",
  "nodes.forget": "forgot a lost machine",
};

/** What somebody did, as the rest of a sentence that begins with their name. */
export function auditWords(action: string): string {
  return words[action] ?? words[action.replace(/^site\./, "sites.")] ?? action.replaceAll(".", " ");
}

/** Details of an entry in one line: `path: public/index.html, bytes: 2048`. */
export function detailsText(details: Readonly<Record<string, unknown>>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null && value !== "")
    .map(([key, value]) => `${key}: ${valueText(value)}`)
    .join(", ");
}

function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  return Array.isArray(value) ? value.map(valueText).join(" and ") : JSON.stringify(value);
}
