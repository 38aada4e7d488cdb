/** What a client signs to sign in with a key: RFC 4252, section 7. */
export interface SignedRequest {
  readonly account: string;
  readonly algorithm: string;
  readonly key: Buffer;
}

/** SSH_MSG_USERAUTH_REQUEST. */
const userAuthRequest = 50;

/**
 * Reads what was signed; null when it is anything else than a request to sign in. Whoever has a door could otherwise bring a signature
 * that its owner gave for another purpose: a commit, a file.
 */
export function readSignedRequest(signed: Buffer): SignedRequest | null {
  let position = 0;
  const take = (length: number): Buffer | null => {
    if (position + length > signed.length) return null;
    position += length;
    return signed.subarray(position - length, position);
  };
  const field = (): Buffer | null => {
    const length = take(4);
    return length === null ? null : take(length.readUInt32BE(0));
  };
  const session = field();
  const message = take(1);
  const [account, service, method] = [field(), field(), field()];
  const hasSignature = take(1);
  const [algorithm, key] = [field(), field()];
  if (session === null || account === null || algorithm === null || key === null || position !== signed.length) return null;
  // The exchange hash of the key exchanges that we offer has 32 bytes or more.
  if (session.length < 20 || message?.[0] !== userAuthRequest || hasSignature?.[0] !== 1) return null;
  if (service?.toString("latin1") !== "ssh-connection" || method?.toString("latin1") !== "publickey") return null;
  return { account: account.toString("utf8"), algorithm: algorithm.toString("latin1"), key };
}
