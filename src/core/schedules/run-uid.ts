import { createHash } from "node:crypto";

/** What a run of a schedule is known by: the same for the same moment, whoever works it out and however often. */
export function runKey(scheduleId: string, moment: Date): string {
  return `schedule:${scheduleId}:${moment.toISOString()}`;
}

/** The uid of the task of one run, a name-based UUID (RFC 9562, version 8): the table of tasks takes it once. */
export function runUid(scheduleId: string, moment: Date): string {
  const bytes = createHash("sha256").update(runKey(scheduleId, moment)).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
