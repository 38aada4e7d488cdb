import { execFileSync } from "node:child_process";
import { constants, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Descriptor } from "#kit/jail/descriptor.ts";
import { createOutput, openOutputFolder, outputIn, removeOutput, renameOutput, reopenOutput } from "./output-file.ts";

/** The original's layout: logs inside the folder that scripts write to; `outside` is what they must not reach. */
function open() {
  const base = mkdtempSync(join(tmpdir(), "backlot-output-file-"));
  const [home, outside] = [join(base, "home"), join(base, "outside")];
  mkdirSync(join(outside, "executor"), { recursive: true });
  const logs = openOutputFolder(join(home, "logs/executor"), home);
  const victim = join(outside, "executor/u.log");
  writeFileSync(victim, "precious");
  const write = (text: string) => {
    using made = new Descriptor(createOutput(outputIn(logs, "u.log")));
    writeSync(made.fd, text);
  };
  return { home, outside, logs, victim, write, file: outputIn(logs, "u.log"), [Symbol.dispose]: () => rmSync(base, { recursive: true }) };
}

it("keeps outputs in a folder inside the one that scripts write to", async () => {
  using made = open();
  made.write("out");
  await using file = await reopenOutput(made.file, constants.O_RDONLY);
  expect(await file.readFile("utf8")).toBe("out");
  renameOutput(made.file, "u.1.log");
  expect(readdirSync(join(made.home, "logs/executor"))).toEqual(["u.1.log"]);
  removeOutput(outputIn(made.logs, "u.1.log"));
  removeOutput(made.file);
  expect(readdirSync(join(made.home, "logs/executor"))).toEqual([]);
});

it("is led nowhere by a folder that was swapped for a link", async () => {
  using made = open();
  renameSync(join(made.home, "logs"), join(made.home, "moved"));
  symlinkSync(made.outside, join(made.home, "logs"));
  expect(() => made.write("x")).toThrow();
  await expect(reopenOutput(made.file, constants.O_RDWR)).rejects.toThrow();
  renameOutput(made.file, "other");
  removeOutput(made.file);
  expect(() => openOutputFolder(join(made.home, "logs/new"), made.home)).toThrow();
  expect(readdirSync(made.outside)).toEqual(["executor"]);
  expect(readFileSync(made.victim, "utf8")).toBe("precious");
});

it("replaces whatever was put where an output is made, and opens only files of one name", async () => {
  using made = open();
  const path = join(made.home, "logs/executor/u.log");
  for (const plant of [() => symlinkSync(made.victim, path), () => linkSync(made.victim, path), () => void execFileSync("mkfifo", [path])]) {
    plant();
    await expect(reopenOutput(made.file, constants.O_RDWR)).rejects.toThrow();
    made.write("out");
    expect([readFileSync(path, "utf8"), readFileSync(made.victim, "utf8")]).toEqual(["out", "precious"]);
    rmSync(path);
  }
});

it("sees a folder inside the shared one also behind a link of the administrator's", () => {
  using made = open();
  symlinkSync(join(made.home, "logs"), join(made.outside, "logs"));
  expect(openOutputFolder(join(made.outside, "logs"), made.home)).toEqual({ root: made.home, path: ["logs"] });
  expect(openOutputFolder(made.outside, made.home)).toEqual({ root: made.outside, path: [] });
});
