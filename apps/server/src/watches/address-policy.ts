/**
 * Where a centre sends at the request of strangers: to public unicast addresses only, after the registries of special-purpose
 * addresses (IANA, RFC 6890 and later), so that nobody reaches through it what stands beside it.
 */
import { BlockList, isIP } from 'node:net';

type Subnet = readonly [network: string, prefix: number];

/** In-house: a centre may be told to send there. */
const PRIVATE_IPV4: readonly Subnet[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // shared by customers of a provider (CGNAT)
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
];
const PRIVATE_IPV6: readonly Subnet[] = [
  ['::1', 128],
  ['fc00::', 7],
];

/** Never: what is link-local serves credentials in clouds, and the rest is no host. */
const NEVER_IPV4: readonly Subnet[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Of global unicast. What lies outside of that is refused without a list. */
const NEVER_IPV6: readonly Subnet[] = [
  ['2001::', 23], // protocols, Teredo and benchmarks among them
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: the IPv4 address in it is reached through whoever relays
  ['3fff::', 20],
];

/** Notations of an IPv4 address that a system or a translator in the network resolves to it: mapped (RFC 4291, 2.5.5.2), NAT64 (RFC 6052, 2.1). */
const EMBEDDING = ['::ffff:', '64:ff9b::'] as const;

function listOf(ipv4: readonly Subnet[], ipv6: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ipv4) {
    list.addSubnet(network, prefix, 'ipv4');
    for (const embedding of EMBEDDING) list.addSubnet(embedding + network, 96 + prefix, 'ipv6');
  }
  for (const [network, prefix] of ipv6) list.addSubnet(network, prefix, 'ipv6');
  return list;
}

const everyIpv4: readonly Subnet[] = [['0.0.0.0', 0]];
const unicast = listOf(everyIpv4, [['2000::', 3]]);
const inHouse = listOf(PRIVATE_IPV4, PRIVATE_IPV6);
const never = listOf(NEVER_IPV4, NEVER_IPV6);

/**
 * Whether something may be sent to this address.
 *
 * @param address IPv4 or IPv6 in any notation, without brackets or zone; anything else is refused
 */
export function isAllowedAddress(address: string, allowPrivate: boolean): boolean {
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (never.check(address, family)) return false;
  if (inHouse.check(address, family)) return allowPrivate;
  return unicast.check(address, family);
}
