import { z } from "zod";
import type { Outgoing } from "./broker-publisher.ts";
import { tokenQueue } from "./topology.ts";

const uuid = z.guid();

/** A token: there may be work. It names the task that caused it for people who look at the queue; whoever takes it takes any task. */
export function tokenMessage(uid: string): Outgoing {
  return { exchange: "", routingKey: tokenQueue.queue, messageId: uid, body: Buffer.from(uid) };
}

/** The task that caused this token; null for something that is no token of ours. */
export function tokenUid(message: { readonly messageId?: string | undefined }): string | null {
  return uuid.safeParse(message.messageId).data ?? null;
}
