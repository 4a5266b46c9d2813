/** The addresses of receivers, resolved here and checked, so that a connection goes where it was looked and nowhere else. */
import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { isAllowedAddress } from './address-policy.ts';

const QUERY_TIMEOUT_MS = 2_000;
const QUERY_TRIES = 2;

export interface NamesOptions {
  readonly allowPrivate: boolean;
  /** ADDRESS or ADDRESS:PORT; those of the system when there are none. */
  readonly dnsServers: readonly string[];
}

/**
 * A lookup for the sockets of `node:http`. It fails, with the same words, for a name that leads nowhere and for one that leads to any
 * address that is not allowed: what names there are inside is nobody's to ask.
 *
 * Names are asked for over the network, by c-ares: the system's own lookup would occupy the threads that write logs to disk. Only
 * `localhost`, which DNS does not have, is known here.
 */
export function checkedLookup({ allowPrivate, dnsServers }: NamesOptions): LookupFunction {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  if (dnsServers.length > 0) resolver.setServers(dnsServers);

  async function addressesOf(host: string): Promise<{ address: string; family: number }[]> {
    if (/(?:^|\.)localhost\.?$/i.test(host)) return [{ address: '127.0.0.1', family: 4 }];
    const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return [
      ...(ipv4.status === 'fulfilled' ? ipv4.value : []).map((address) => ({ address, family: 4 })),
      ...(ipv6.status === 'fulfilled' ? ipv6.value : []).map((address) => ({ address, family: 6 })),
    ];
  }

  return (host, options, callback) => {
    addressesOf(host).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => isAllowedAddress(address, allowPrivate)))
          callback(new Error(`${host} does not lead to an address that this centre sends to`), []);
        else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), []),
    );
  };
}
