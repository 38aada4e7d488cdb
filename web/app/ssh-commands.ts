/** Where SSH answers, as far as a command needs it. */
interface SshAddress {
  readonly host: string;
  readonly port: number;
}

/** The commands to copy, for all of somebody's sites or for one. */
export function sshCommands(at: SshAddress, username: string, site?: string): readonly { readonly label: string; readonly command: string }[] {
  const account = site === undefined ? username : `${username}/${site}`;
  const port = (flag: string): string => (at.port === 22 ? "" : `${flag} ${at.port} `);
  return [
    { label: site === undefined ? "Choose a site, get a shell" : "A shell in the site", command: `ssh ${port("-p")}${account}@${at.host}` },
    { label: "Files", command: `sftp ${port("-P")}${account}@${at.host}` },
  ];
}
