import { z } from "zod";
import { hostKeyView } from "#contract/internal/doors.ts";
import type { SettingStore } from "#core/accounts/setting-store.ts";

/** What the SSH door said of itself; every manager finds it in the database. */
const announced = z.object({ host: z.string().nullable(), port: z.int(), keys: z.array(hostKeyView) });
export type AnnouncedSsh = z.output<typeof announced>;

const settingKey = "ssh_door";

/** Keeps where the SSH door is, and its host keys. */
export async function rememberSsh(settings: SettingStore, door: AnnouncedSsh): Promise<void> {
  await settings.set(settingKey, JSON.stringify(door));
}

/** What the SSH door said last; null when there never was one. */
export async function recallSsh(settings: SettingStore): Promise<AnnouncedSsh | null> {
  const text = await settings.get(settingKey);
  return text === null ? null : announced.parse(JSON.parse(text));
}
