import { Failure } from "#contract/failure.ts";
import { isSiteName, type SitePurpose } from "#contract/site.ts";

// Addresses that visitors would take for the platform's own, or that programs give a meaning to.
const reserved = new Set(
  (
    "admin administrator api app assets auth autoconfig autodiscover backlot billing blog-admin cdn console dashboard dev director docs " +
    "email ftp git help home imap internal isatap localhost login logout mail manager metrics mx ns ns1 ns2 oauth orchestrator pop pop3 " +
    "postmaster root router security setup sftp shell site sites smtp ssh ssl static status support system test webmail wpad www worker"
  ).split(" "),
);

/**
 * Judges a site's name on creation and on renaming alike. People may be called by a reserved name; their personal site may not.
 * @throws {Failure} `site_name_invalid`, `site_name_reserved`, `site_personal_name_reserved`.
 */
export function checkSiteName(name: string, purpose: SitePurpose): void {
  if (!isSiteName(name)) throw new Failure("site_name_invalid");
  // `xn--` is refused by the pattern already: names have no double dash.
  if (reserved.has(name)) throw new Failure(purpose === "user" ? "site_personal_name_reserved" : "site_name_reserved", { name });
}
