import { hkdfSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { JWK } from "jose";
import { z } from "zod";
import { type Component, components } from "#contract/grant.ts";

const jwk = z.looseObject({ kty: z.string() });

/** What only the manager and the worker hold: the key that signs grants, and the secret that the components' own secrets come from. */
export const clusterKey = z.object({ signingKey: jwk, publicKey: jwk, secret: z.base64url() });
export type ClusterKey = z.output<typeof clusterKey>;

/** What any other component holds: its own secret, and the key by which it knows the manager's grants. */
export const componentKey = z.object({ component: z.enum(components), secret: z.base64url(), managerPublicKey: jwk });
export type ComponentKey = z.output<typeof componentKey>;

/** A component's secret (32 bytes): derived, so that the manager needs to keep only one. */
export function componentSecret(key: ClusterKey, component: Component): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", Buffer.from(key.secret, "base64url"), "", `backlot component ${component}`, 32));
}

/** The key file that a component is given. */
export function componentKeyOf(key: ClusterKey, component: Component): ComponentKey {
  return { component, secret: Buffer.from(componentSecret(key, component)).toString("base64url"), managerPublicKey: key.publicKey };
}

/** Reads the manager's key file. */
export async function readClusterKey(file: string): Promise<ClusterKey & { readonly signingKey: JWK; readonly publicKey: JWK }> {
  return clusterKey.parse(JSON.parse(await readFile(file, "utf8")));
}

/** Reads a component's key file; the secret comes decoded. */
export async function readComponentKey(file: string): Promise<{ readonly component: Component; readonly secret: Uint8Array; readonly managerPublicKey: JWK }> {
  const key = componentKey.parse(JSON.parse(await readFile(file, "utf8")));
  return { component: key.component, secret: new Uint8Array(Buffer.from(key.secret, "base64url")), managerPublicKey: key.managerPublicKey };
}
