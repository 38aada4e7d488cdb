import { expect, test } from "vitest";
import { specOf } from "../../../../test/support/orchestrator-under-test.ts";
import { enterCommandLine, enterEnvironment } from "./terminal-plan.ts";

const both = { bash: "/usr/bin/bash", setsid: "/usr/bin/setsid" };
const spec = specOf(7, { environment: { SHELL: "/evil", GREETING: "hello" } });
const size = { cols: 80, rows: 24 };

test("a command is one argument of its shell, whatever stands in it", () => {
  const command = 'echo "$HOME"; \'\n';
  expect(enterCommandLine({ spec, command, size: null }, both)).toEqual(["/bin/sh", "-c", 'umask 007; exec "$0" -c "$1"', "/usr/bin/bash", command]);
});

test("on a terminal it leads a session of its own", () => {
  expect(enterCommandLine({ spec, command: "vi", size }, both).slice(0, 3)).toEqual(["/usr/bin/setsid", "-c", "/bin/sh"]);
  expect(enterCommandLine({ spec, command: "vi", size }, { ...both, setsid: null })[0]).toBe("/bin/sh");
});

test("an interactive shell has a prompt that names the site; where there is no bash, any shell will do", () => {
  expect(enterCommandLine({ spec, command: null, size }, both).slice(-2)).toEqual([
    "/usr/bin/bash",
    "\\[\\e[1;32m\\]site-7\\[\\e[0m\\]:\\[\\e[1;34m\\]\\w\\[\\e[0m\\]\\$ ",
  ]);
  expect(enterCommandLine({ spec, command: null, size }, { ...both, bash: null }).slice(-2)).toEqual(["/bin/sh", "site-7$ "]);
});

test("a client's variables win over the site's, but not over who one is", () => {
  const paths = { work: "/site", scripts: "/site/private/scripts", home: "/site/.home", path: "/bin", databaseHost: null };
  const request = { key: "k", spec, folder: "/f", command: null, size, environment: { TERM: "screen", GREETING: "hi", SHELL: "/other" } };
  expect(enterEnvironment(request, paths, both)).toEqual({
    LANG: "C.UTF-8",
    TZ: "UTC",
    USER: "site",
    LOGNAME: "site",
    HOME: "/site/.home",
    PATH: "/bin",
    SHELL: "/usr/bin/bash",
    TERM: "screen",
    GREETING: "hi",
  });
});
