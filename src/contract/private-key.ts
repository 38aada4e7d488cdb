/** Whether a text has a private key in it, as OpenSSH, OpenSSL, PuTTY and RFC 4716 write them: asked before a key leaves the machine, and again where it arrives. */
export function holdsPrivateKey(text: string): boolean {
  return /---- ?BEGIN [A-Z0-9 ]*PRIVATE KEY ?----|^PuTTY-User-Key-File/m.test(text);
}
