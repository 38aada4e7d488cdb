/** What the settings of the manager and of the FTP door say about the one account without a person. */
export const demoAccountPattern = /^[^:/]{1,64}:.{1,200}$/;
export const demoAccountProblem = "is not an account like ftp:password";
export const demoAccountDescription =
  "USER:PASSWORD of an FTP account without a person that reads and writes the home folder, as in remote-executor; refused unless FTP listens on this machine only";

/** Whether a server at this address, or a peer of it, is this machine itself. */
export function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, "").replace(/^\[|\]$/g, "");
  return plain === "localhost" || plain === "::1" || /^127(\.\d{1,3}){3}$/.test(plain);
}
