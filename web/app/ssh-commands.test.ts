import { expect, test } from "vitest";
import { sshCommands } from "./ssh-commands.ts";

test("the commands name the person, the site and the port unless it is the usual one", () => {
  expect(sshCommands({ host: "example.org", port: 2222 }, "ada", "clock").map(({ command }) => command)).toEqual([
    "ssh -p 2222 ada/clock@example.org",
    "sftp -P 2222 ada/clock@example.org",
  ]);
  expect(sshCommands({ host: "example.org", port: 22 }, "ada").map(({ command }) => command)).toEqual(["ssh ada@example.org", "sftp ada@example.org"]);
});
