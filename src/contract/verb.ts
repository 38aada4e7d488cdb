/** What a person can do to one site. */
export const siteVerbs = [
  "site.read",
  "site.logs",
  "site.files.read",
  "site.files.write",
  "site.deploy",
  "site.run",
  "site.shell",
  "site.tasks",
  "site.configure",
  "site.members",
  "site.delete",
  "site.limits",
] as const;
export type SiteVerb = (typeof siteVerbs)[number];

/** What a person can do to the installation. */
export const platformVerbs = ["site.create", "users.read", "users.manage", "audit.read", "platform.manage", "tasks.home"] as const;
export type PlatformVerb = (typeof platformVerbs)[number];
