import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { normalUrl, serverAddress } from "./server-address.ts";
import { readSettings, settingsPath, writeSettings } from "./settings-file.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "backlot-settings-"));
});
afterEach(() => rm(home, { recursive: true }));

test("settings come back as they were written", async () => {
  const settings = {
    defaultServer: "http://a",
    servers: { "http://a": { username: "ann", token: "t", tokenId: "i" }, "http://b": { username: "bob", token: "u" } },
  };
  await writeSettings({ HOME: home }, settings);
  expect(await readSettings({ HOME: home })).toEqual(settings);
});

test("no file means no settings, and a damaged one is named with what to do", async () => {
  const environment = { XDG_CONFIG_HOME: home };
  expect(await readSettings(environment)).toEqual({ servers: {} });
  await mkdir(dirname(settingsPath(environment)), { recursive: true });
  for (const damaged of ["{", "[]", '{"servers":{"http://a":{}}}']) {
    await writeFile(settingsPath(environment), damaged);
    await expect(readSettings(environment)).rejects.toThrow(/are damaged\. Delete the file and sign in again/);
  }
});

test("the server is the one asked for, else BACKLOT_SERVER, else the last sign-in, else one started here, else localhost", async () => {
  const settings = { defaultServer: "http://stored", servers: {} };
  await writeFile(join(home, "endpoints.json"), '{"manager":"http://127.0.0.1:41000","router":"http://127.0.0.1:41001"}');
  const environment = { BACKLOT_SERVER: "school.example/", BACKLOT_DATA: home };
  expect(await serverAddress("https://x:8/", environment, settings)).toEqual({ url: "https://x:8", from: "--server" });
  expect(await serverAddress(undefined, environment, settings)).toEqual({ url: "http://school.example", from: "BACKLOT_SERVER" });
  expect(await serverAddress(undefined, { BACKLOT_DATA: home }, settings)).toEqual({ url: "http://stored", from: "settings" });
  expect(await serverAddress(undefined, { BACKLOT_DATA: home }, { servers: {} })).toEqual({ url: "http://127.0.0.1:41000", from: "endpoints.json" });
  expect(await serverAddress(undefined, { BACKLOT_DATA: `${home}/none` }, { servers: {} })).toEqual({ url: "http://localhost:8000", from: "default" });
});

test("an address that is none is refused in words", () => {
  for (const bad of ["ftp://x", "http://", "http://user:secret@x"]) expect(() => normalUrl(bad)).toThrow(/address/);
});
