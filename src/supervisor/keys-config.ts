import { configSchema as supervisorSchema } from "./config.ts";

/** What making the keys reads. */
export const configSchema = supervisorSchema.pick({ BACKLOT_DATA: true });
