import { Command, Option } from "commander";
import type { Session, SharedOptions } from "./session.ts";
import { readVersion } from "./version.ts";

/** Opens a session for a command; called after parsing, so that `--help` needs no settings. */
export type OpenSession = (options: SharedOptions) => Promise<Session>;

/** Every command, its options and its help. What a command does is imported only when it runs: `--help` stays fast. */
export function buildProgram(open: OpenSession): Command {
  const program = new Command("backlot")
    .description("Self-service web hosting for schools, clubs and labs.")
    .version(readVersion())
    .helpCommand(true)
    .showHelpAfterError("(--help says what is possible)")
    .addHelpText("after", "\nThe exit codes and BACKLOT_… variables stand in docs/cli.md.");
  addAccountCommands(program, open);
  addSiteCommands(program, open);
  addRunCommands(program, open);
  addFileCommands(program, open);
  addTaskCommands(program, open);
  addScheduleCommands(program, open);
  addDatabaseCommands(program, open);
  addCacheCommands(program, open);
  addNodeCommands(program, open);
  addImageCommands(program, open);
  addMachineCommands(program, open);
  return program;
}

function command(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("--json", "answer as JSON on stdout, for programs")
    .option("--server <url>", "the server, instead of BACKLOT_SERVER or the last sign-in");
}

/** Not commander's `<name...>`, which would swallow the folder that comes after it. */
function collect(value: string, all: readonly string[] | undefined): readonly string[] {
  return [...(all ?? []), value];
}

const noWait = (): Option => new Option("--no-wait", "do not wait for the operation to end");

function addAccountCommands(program: Command, open: OpenSession): void {
  command(program, "login [url]", "sign in and keep an API token on this machine")
    .option("--user <name>", "user name, instead of asking")
    .option("--password-stdin", "read the password from a pipe")
    .option("--token <token>", "keep this API token instead of signing in; - reads it from a pipe")
    .action(async (url, options) => (await import("./commands/login.ts")).login(await open(options), url, options));
  command(program, "logout [url]", "forget the token kept here, and revoke it").action(async (url, options) =>
    (await import("./commands/logout.ts")).logout(await open(options), url),
  );
  command(program, "whoami", "who is signed in").action(async (options) => (await import("./commands/whoami.ts")).whoami(await open(options)));
  const token = program.command("token").description("API tokens for programs");
  command(token, "create <name>", "make a token; its secret is shown once")
    .option("--scope <scope>", "full, read, deploy, files, shell or tasks (may be repeated)", collect)
    .option("--days <days>", "days until it expires")
    .action(async (name, options) => (await import("./commands/tokens.ts")).makeToken(await open(options), name, options));
  command(token, "ls", "my tokens").action(async (options) => (await import("./commands/tokens.ts")).showTokens(await open(options)));
  command(token, "rm <id>", "revoke a token").action(async (id, options) => (await import("./commands/tokens.ts")).removeToken(await open(options), id));
  const key = program.command("key").description("public keys for SSH and SFTP");
  command(key, "add <file>", "add a public key, out of its .pub file")
    .option("--title <title>", "what to call it; the comment in the file without it")
    .action(async (file, options) => (await import("./commands/keys.ts")).addKey(await open(options), file, options));
  command(key, "ls", "my keys, where SSH answers, and its host keys").action(async (options) =>
    (await import("./commands/keys.ts")).showKeys(await open(options)),
  );
  command(key, "rm <id>", "remove a key, and end what it opened").action(async (id, options) =>
    (await import("./commands/keys.ts")).removeKey(await open(options), id),
  );
}

function addSiteCommands(program: Command, open: OpenSession): void {
  command(program, "sites", "my sites")
    .option("--all", "everyone's sites (administrators)")
    .option("--search <text>", "only those whose name holds this")
    .action(async (options) => (await import("./commands/sites.ts")).sites(await open(options), options));
  command(program, "create <name>", "create a site")
    .option("--starter <starter>", "begin with the files of a starter")
    .option("--kind <kind>", "static or dynamic; the starter's own kind, else static")
    .option("--image <image>", "name or number of an image (`backlot image ls`), where sites run in images")
    .option("--description <text>", "what the site is for")
    .addOption(noWait())
    .action(async (name, options) => (await import("./commands/create.ts")).create(await open(options), name, options));
  command(program, "deploy <folder>", "send a folder to a site; .backlotignore says what stays behind")
    .option("--site <name>", "the site; the folder's own name without it")
    .option("--include <name>", "send what is left behind by default: node_modules, .git (may be repeated)", collect)
    .option("--create", "create the site when there is none")
    .addOption(noWait())
    .action(async (folder, options) => (await import("./commands/deploy.ts")).deploy(await open(options), folder, options));
  command(program, "open <name>", "print a site's address and open it in a browser")
    .option("--no-browser", "only print it")
    .action(async (name, options) => (await import("./commands/open.ts")).open(await open(options), name, options));
  command(program, "status <name>", "what a site does right now, and why").action(async (name, options) =>
    (await import("./commands/status.ts")).status(await open(options), name),
  );
  command(program, "rm <name>", "delete a site with all its files")
    .option("-y, --yes", "do not ask for the name")
    .addOption(noWait())
    .action(async (name, options) => (await import("./commands/remove.ts")).remove(await open(options), name, options));
}

function addRunCommands(program: Command, open: OpenSession): void {
  command(program, "logs <name>", "the output of a site's program")
    .option("-f, --follow", "go on with the lines to come")
    .option("--tail <lines>", "how many of the last lines", "200")
    .action(async (name, options) => (await import("./commands/logs.ts")).logs(await open(options), name, options));
  const verbs = {
    restart: "start a new instance of the program, switch to it, stop the old one",
    sleep: "stop the program until the next visitor comes",
    wake: "start the program now",
  };
  for (const verb of ["restart", "sleep", "wake"] as const) {
    command(program, `${verb} <name>`, verbs[verb])
      .addOption(noWait())
      .action(async (name, options) => (await import("./commands/run-site.ts")).runSite(await open(options), verb, { ...options, name }));
  }
}

function addFileCommands(program: Command, open: OpenSession): void {
  const files = program.command("files").description("a site's files, one at a time");
  command(files, "ls <site> [path]", "list a folder").action(async (site, path, options) =>
    (await import("./commands/files.ts")).listFiles(await open(options), site, path ?? ""),
  );
  command(files, "get <site> <path> [to]", "fetch a file, to stdout without TO").action(async (site, path, to, options) =>
    (await import("./commands/files.ts")).getFile(await open(options), { site, path }, to),
  );
  command(files, "put <site> <from> <path>", "write a file; - reads stdin").action(async (site, from, path, options) =>
    (await import("./commands/files.ts")).putFile(await open(options), from, { site, path }),
  );
  command(files, "rm <site> <path>", "delete a file")
    .option("-r, --recursive", "delete a folder with everything in it")
    .action(async (site, path, options) => (await import("./commands/files.ts")).removeFile(await open(options), { site, path }, options));
}

/** A command that says what a task runs: the same for one that runs now and for one that runs by a schedule. */
function taskCommand(parent: Command, usage: string, description: string): Command {
  return command(parent, usage, description)
    .option("--site <name>", "run it in this site; without it in the installation's home folder (administrators)")
    .option("--command", "what stands for the script is a command for /bin/sh")
    .option("--param <name=value>", "a field of the script's form (may be repeated)", collect)
    .option("--env <name=value>", "a variable for the script (may be repeated)", collect)
    .option("--priority <number>", "from -100 to 100; higher goes first")
    .option("--timeout <seconds>", "end it when it takes longer")
    .option("--retries <number>", "start it again so often when it fails");
}

function addTaskCommands(program: Command, open: OpenSession): void {
  const task = program.command("task").description("scripts that run once, as queued tasks");
  taskCommand(task, "run <script> [arguments...]", "run a script, show its output and end with its code; arguments that begin with - come after --")
    .option("--detach", "only queue it, and print its uid")
    .action(async (name, args, options) => (await import("./commands/tasks.ts")).runTask(await open(options), { name, args }, options));
  command(task, "ls", "the newest tasks")
    .option("--site <name>", "only of this site")
    .option("--home", "only of the installation's home folder")
    .option("--state <state>", "only in this state (may be repeated)", collect)
    .option("--script <path>", "only of this script")
    .option("--search <text>", "only with this in the script, the command, an argument or at the beginning of the uid")
    .option("--since <moment>", "only created since then")
    .option("--limit <number>", "how many", "30")
    .action(async (options) => (await import("./commands/tasks.ts")).showTasks(await open(options), options));
  command(task, "show <uid>", "what a task is and became, and its earlier attempts").action(async (uid, options) =>
    (await import("./commands/tasks.ts")).showTask(await open(options), uid),
  );
  command(task, "logs <uid>", "the output of a task")
    .option("-f, --follow", "go on until the task has ended")
    .option("--stderr", "its stderr instead of its stdout")
    .action(async (uid, options) => (await import("./commands/tasks.ts")).taskLogs(await open(options), uid, options));
  command(task, "cancel <uid>", "end a task with everything that it started").action(async (uid, options) =>
    (await import("./commands/tasks.ts")).cancelTask(await open(options), uid),
  );
  command(task, "rerun <uid>", "run the same again, and follow it")
    .option("--detach", "only queue it, and print its uid")
    .action(async (uid, options) => (await import("./commands/tasks.ts")).rerunTask(await open(options), uid, options));
  command(task, "scripts", "the scripts that can be run")
    .option("--site <name>", "those of this site; without it the installation's (administrators)")
    .action(async (options) => (await import("./commands/tasks.ts")).showScripts(await open(options), options));
}

function addScheduleCommands(program: Command, open: OpenSession): void {
  const schedule = program.command("schedule").description("tasks that run again and again");
  command(schedule, "ls", "schedules with their next run")
    .option("--site <name>", "only of this site")
    .action(async (options) => (await import("./commands/schedules.ts")).showSchedules(await open(options), options));
  taskCommand(schedule, "add <name> <cron> <script> [arguments...]", 'run a script by a cron expression: "30 5 * * 1"')
    .option("--time-zone <zone>", "of the expression, such as Europe/Berlin; UTC without it")
    .option("--overlap <policy>", "while the run before goes on: queue, skip or replace")
    .option("--catch-up <policy>", "for what fell due while Backlot was down: none, last or all")
    .option("--paused", "do not run it yet")
    .action(async (name, cron, what, args, options) =>
      (await import("./commands/schedules.ts")).addSchedule(await open(options), { name, cron, what, args }, options),
    );
  for (const [verb, description] of [
    ["pause", "do not run it until it is resumed"],
    ["resume", "run it again by its plan"],
  ] as const) {
    command(schedule, `${verb} <id>`, description).action(async (id, options) =>
      (await import("./commands/schedules.ts")).pauseSchedule(await open(options), id, verb === "pause"),
    );
  }
  command(schedule, "rm <id>", "delete it; its tasks stay").action(async (id, options) =>
    (await import("./commands/schedules.ts")).removeSchedule(await open(options), id),
  );
  command(schedule, "run <id>", "run its task now, beside the plan").action(async (id, options) =>
    (await import("./commands/schedules.ts")).runSchedule(await open(options), id),
  );
}

function addDatabaseCommands(program: Command, open: OpenSession): void {
  const db = program.command("db").description("a site's database");
  command(db, "add <site>", "give a site a PostgreSQL database of its own")
    .addOption(noWait())
    .action(async (name, options) => (await import("./commands/database.ts")).addSiteDatabase(await open(options), { ...options, name }));
  command(db, "info <site>", "its state, its size and what the program finds in its environment")
    .option("--password", "show the password too")
    .action(async (name, options) => (await import("./commands/database.ts")).showDatabase(await open(options), name, options));
  command(db, "password <site>", "give it a new password")
    .addOption(noWait())
    .action(async (name, options) => (await import("./commands/database.ts")).renewDatabasePassword(await open(options), { ...options, name }));
  command(db, "rm <site>", "delete it with everything in it")
    .option("-y, --yes", "do not ask for the site's name")
    .addOption(noWait())
    .action(async (name, options) => (await import("./commands/database.ts")).removeDatabase(await open(options), { ...options, name }));
}

function addCacheCommands(program: Command, open: OpenSession): void {
  const cache = program.command("cache").description("kept answers of a site's program");
  command(cache, "show <site>", "what is kept, how, and how visitors were answered").action(async (name, options) =>
    (await import("./commands/cache.ts")).showCache(await open(options), name),
  );
  for (const [verb, description] of [
    ["on", "keep answers; the program says for how long by Cache-Control"],
    ["off", "keep nothing"],
  ] as const) {
    command(cache, `${verb} <site>`, description)
      .option("--default <seconds>", "for answers that say nothing of it; 0: they are not kept")
      .option("--revalidate <seconds>", "how old one may be that goes out while a newer one is fetched")
      .option("--stale <seconds>", "how old one may be that goes out while the program sleeps or fails")
      .option("--signed-in", "visitors with cookies share what is marked public")
      .option("--no-signed-in", "visitors with cookies always reach the program")
      .action(async (name, options) => (await import("./commands/cache.ts")).setCache(await open(options), name, { isOn: verb === "on", options }));
  }
  command(cache, "purge <site>", "forget what is kept: everything, or what one option names")
    .option("--path <path>", "one address, with any query unless it has one")
    .option("--prefix <path>", "every address that begins like this")
    .option("--tag <tag>", "every answer that came with this Cache-Tag")
    .action(async (name, options) => (await import("./commands/cache.ts")).purge(await open(options), name, options));
}

function addNodeCommands(program: Command, open: OpenSession): void {
  const node = program.command("node").description("the machines that sites run on (administrators)");
  command(node, "ls", "every process that reported lately").action(async (options) => (await import("./commands/nodes.ts")).showNodes(await open(options)));
  command(node, "drain <id>", "give it no new sites, and move its sites away one after the other").action(async (id, options) =>
    (await import("./commands/nodes.ts")).setDrained(await open(options), id, true),
  );
  command(node, "undrain <id>", "let it take sites again").action(async (id, options) =>
    (await import("./commands/nodes.ts")).setDrained(await open(options), id, false),
  );
}

function addImageCommands(program: Command, open: OpenSession): void {
  const image = program.command("image").description("the images that sites run in");
  command(image, "ls", "images that I may choose for a site").action(async (options) => (await import("./commands/images.ts")).showImages(await open(options)));
}

function addMachineCommands(program: Command, open: OpenSession): void {
  command(program, "doctor", "what this machine has, uses and lacks").action(async (options) =>
    (await import("./doctor/doctor.ts")).doctor(await open(options)),
  );
  // Both start processes, which is bin/backlot.mjs' business; they stand here for the help.
  for (const [usage, description] of [
    ["start", "start everything on this machine"],
    ["run <processes>", "start a chosen few: manager,worker,router,orchestrator,shell,ftp"],
  ] as const) {
    program.command(usage).description(description).allowUnknownOption();
  }
}
