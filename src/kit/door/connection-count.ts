import { addressNetwork } from "../address-network.ts";

/** Counts connections, all and by address, and says who is one too many. The addresses of a network of IPv6 count as one. */
export class ConnectionCount {
  readonly #limits: { readonly total: number; readonly perAddress: number };
  readonly #byAddress = new Map<string, number>();
  #total = 0;

  constructor(limits: { readonly total: number; readonly perAddress: number }) {
    this.#limits = limits;
  }

  /** Why a connection is refused; undefined: it counts until it leaves. */
  enter(address: string): string | undefined {
    const network = addressNetwork(address);
    const here = this.#byAddress.get(network) ?? 0;
    if (this.#total >= this.#limits.total) return "Too many connections. Service temporarily unavailable.";
    if (here >= this.#limits.perAddress) return "Too many connections from the same IP address.";
    this.#total += 1;
    this.#byAddress.set(network, here + 1);
    return undefined;
  }

  leave(address: string): void {
    const network = addressNetwork(address);
    const here = (this.#byAddress.get(network) ?? 0) - 1;
    this.#total -= 1;
    if (here > 0) this.#byAddress.set(network, here);
    else this.#byAddress.delete(network);
  }
}
