import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { inspectRunFile } from "./run-file-kind.ts";

it("looks at whatever stands in place of run.sh without waiting for it", () => {
  const folder = mkdtempSync(join(tmpdir(), "backlot-run-file-"));
  const at = (name: string) => join(folder, name);
  writeFileSync(at("script"), "#!/bin/sh\n");
  writeFileSync(at("plain"), "echo\n");
  writeFileSync(at("empty"), "");
  chmodSync(at("script"), 0o755);
  symlinkSync("script", at("link"));
  mkdirSync(at("folder"));
  execFileSync("mkfifo", [at("pipe")]);
  const kinds = ["script", "plain", "empty", "link", "folder", "pipe", "absent"].map((name) => inspectRunFile(at(name)));
  const kind = (isExecutable: boolean, hasShebang: boolean) => ({ isExecutable, hasShebang });
  expect(kinds).toEqual([
    kind(true, true),
    kind(false, false),
    kind(false, false),
    kind(true, true),
    kind(true, false),
    kind(false, false),
    kind(false, false),
  ]);
  rmSync(folder, { recursive: true });
});
