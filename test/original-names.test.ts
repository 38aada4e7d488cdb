import { describe, expect, it } from "vitest";
import { ConfigError } from "#kit/config.ts";
import { originalNames, withOriginalNames } from "../src/original-names.ts";
import { serviceConfigs } from "../src/service-configs.ts";

function added(environment: Record<string, string>): Record<string, string | undefined> {
  const result = withOriginalNames(environment).environment;
  return Object.fromEntries(Object.entries(result).filter(([name, value]) => environment[name] !== value));
}

function problems(environment: Record<string, string>): readonly string[] {
  try {
    withOriginalNames(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe("the original's names of settings", () => {
  it.each<[Record<string, string>, Record<string, string>]>([
    [{}, {}],
    [{ WORKER_DIRECTORY_PATH: "/homedir/" }, { BACKLOT_HOME_FOLDER: "/homedir/" }],
    [{ WORKER_SCRIPT_PATH: "/app/scripts" }, { BACKLOT_SCRIPTS: "/app/scripts" }],
    [
      { WORKER_STDOUT_PATH: "/logs", WORKER_STDERR_PATH: "/errors" },
      { BACKLOT_TASK_STDOUT: "/logs", BACKLOT_TASK_STDERR: "/errors" },
    ],
    [{ MQ_HOSTNAME: "mq" }, { AMQP_URL: "amqp://guest:guest@mq:5672" }],
    [{ MQ_HOSTNAME: "::1" }, { AMQP_URL: "amqp://guest:guest@[::1]:5672" }],
    [
      { FTP_HOSTNAME: "0.0.0.0", FTP_PORT: "2121" },
      { BACKLOT_FTP_HOST: "0.0.0.0", BACKLOT_FTP_PORT: "2121" },
    ],
    [{ FTP_USER: "ftp", FTP_PASSWORD: "ftp", FTP_DIRECTORY: "/homedir/", DATABASE_TABLE_NAME: "task_task" }, { BACKLOT_FTP_DEMO_ACCOUNT: "ftp:ftp" }],
    [{ WORKER_DIRECTORY_PATH: "", MQ_HOSTNAME: " ", DATABASE_HOSTNAME: "", FTP_PORT: "" }, {}],
  ])("%j become %j", (given, expected) => {
    expect(added(given)).toEqual(expected);
  });

  it.each<[Record<string, string>, string]>([
    [{ DATABASE_HOSTNAME: "db" }, "postgres://postgres:postgres@db:5432/taskdb"],
    [{ DATABASE_PORT: "5433" }, "postgres://postgres:postgres@localhost:5433/taskdb"],
    [{ DATABASE_NAME: "tasks" }, "postgres://postgres:postgres@localhost:5432/tasks"],
    [{ DATABASE_USER: "a b", DATABASE_PASSWORD: "p@ss/w:rd%", DATABASE_HOSTNAME: "fe80::1" }, "postgres://a%20b:p%40ss%2Fw%3Ard%25@[fe80::1]:5432/taskdb"],
  ])("%j make the database's address", (given, url) => {
    expect(added(given)).toEqual({ DATABASE_URL: url });
  });

  it.each<[string, string | undefined]>([
    ["1", "true"],
    ["true", "true"],
    ["YES", "true"],
    ["on", "true"],
    ["0", "false"],
    ["False", "false"],
    ["no", "false"],
    ["off", "false"],
    ["", undefined],
  ])("let the shell in by a real yes only: %j", (value, commands) => {
    expect(added({ WORKER_ALLOW_SHELL: value }).BACKLOT_TASK_COMMANDS).toBe(commands);
  });

  it.each<[string, string | undefined]>([
    ["1", "debug"],
    ["true", "debug"],
    ["0", undefined],
    ["2", undefined],
    ["", undefined],
  ])("make the log talk by a real yes only: %j", (value, level) => {
    expect(added({ WEB_DEBUG_MODE: value }).BACKLOT_LOG_LEVEL).toBe(level);
  });

  it("are all named at once when they make no sense, without a password among them", () => {
    expect(
      problems({
        WORKER_ALLOW_SHELL: "maybe",
        WEB_DEBUG_MODE: "3",
        DATABASE_PORT: "many",
        DATABASE_PASSWORD: "hunter2",
        MQ_HOSTNAME: "amqp://mq",
        DATABASE_HOSTNAME: "a b",
      }),
    ).toEqual([
      'WEB_DEBUG_MODE: "3" is neither yes nor no; write 1 or 0',
      'WORKER_ALLOW_SHELL: "maybe" is neither yes nor no; write 1 or 0',
      'MQ_HOSTNAME: "amqp://mq" is not the name or the address of a host',
      'DATABASE_PORT: "many" is not a port',
      'DATABASE_HOSTNAME: "a b" is not the name or the address of a host',
    ]);
  });

  it("give way to the settings' own names, also where those stand in files", () => {
    const given = {
      DATABASE_HOSTNAME: "db",
      DATABASE_URL_FILE: "/run/secrets/url",
      MQ_HOSTNAME: "mq",
      AMQP_URL: "amqps://elsewhere",
      WEB_DEBUG_MODE: "1",
      BACKLOT_LOG_LEVEL: "warn",
      WORKER_ALLOW_SHELL: "1",
      BACKLOT_TASK_COMMANDS: "false",
      WORKER_SCRIPT_PATH: "/theirs",
      BACKLOT_SCRIPTS: "/ours",
    };
    expect(added(given)).toEqual({});
  });

  it("are noticed where they have no effect, by their names only", () => {
    expect(withOriginalNames({ DATABASE_TABLE_NAME: "x", FTP_USER: "", FTP_DIRECTORY: "y" }).notices).toEqual([
      "DATABASE_TABLE_NAME has no effect: see docs/configuration.md",
      "FTP_DIRECTORY has no effect: see docs/configuration.md",
    ]);
  });

  it("become settings that some process reads", async () => {
    const known = new Set(["BACKLOT_LOG_LEVEL"]);
    for (const load of Object.values(serviceConfigs)) for (const name of Object.keys((await load()).shape)) known.add(name);
    expect(originalNames.flatMap(({ becomes }) => (becomes === null || known.has(becomes) ? [] : [becomes]))).toEqual([]);
  });
});
