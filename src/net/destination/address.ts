import { BlockList, isIP } from 'node:net';

/**
 * What an IP address is to a wallet. `public` is the only kind a call reaches unasked. `metadata` are the
 * fixed addresses where clouds hand credentials to any program inside.
 */
export type AddressKind =
  'public' | 'private' | 'loopback' | 'link_local' | 'metadata' | 'multicast' | 'unspecified' | 'reserved';

type Family = 'ipv4' | 'ipv6';
type Range = readonly [network: string, prefix: number, kind: AddressKind];

/**
 * First match wins, so a metadata address stands before the range around it. Source: IANA special-purpose
 * registries.
 */
const IPV4_RANGES: readonly Range[] = [
  // T10: Azure's wire server, Alibaba's and Oracle's metadata; the usual 169.254.169.254 is link-local below.
  ['168.63.129.16', 32, 'metadata'],
  ['100.100.100.200', 32, 'metadata'],
  ['192.0.0.192', 32, 'metadata'],
  ['0.0.0.0', 8, 'unspecified'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link_local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'reserved'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
];

/**
 * Everything outside 2000::/3 that no row names is `reserved`, and so are transition ranges that can hide an
 * IPv4 address.
 */
const IPV6_RANGES: readonly Range[] = [
  ['fd00:ec2::254', 128, 'metadata'],
  ['fd20:ce::254', 128, 'metadata'],
  ['::', 128, 'unspecified'],
  ['::1', 128, 'loopback'],
  ['64:ff9b:1::', 48, 'private'],
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'link_local'],
  ['fec0::', 10, 'private'],
  ['ff00::', 8, 'multicast'],
  // Teredo, benchmarking, ORCHID and the rest of the protocol assignments.
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'reserved'],
  // 6to4: an IPv4 address stands inside, and the relays are gone.
  ['2002::', 16, 'reserved'],
  ['3fff::', 20, 'reserved'],
  ['2000::', 3, 'public'],
];

function listOf(ranges: readonly Range[], family: Family): readonly (readonly [BlockList, AddressKind])[] {
  return ranges.map(([network, prefix, kind]) => {
    const list = new BlockList();
    list.addSubnet(network, prefix, family);
    return [list, kind] as const;
  });
}

const ipv4Lists = listOf(IPV4_RANGES, 'ipv4');
const ipv6Lists = listOf(IPV6_RANGES, 'ipv6');

/** The 16 bytes of an IPv6 address already known to be valid, as eight groups. */
function groupsOf(ipv6: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ipv6);
  const text = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${(
        (Number(dotted[4]) << 8) |
        Number(dotted[5])
      ).toString(16)}`
    : ipv6;
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(gap).fill('0'), ...right].map((group) => Number.parseInt(group, 16));
}

/** The IPv4 address that a mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) address reaches, or undefined. */
function reachedIpv4(ipv6: string): string | undefined {
  const groups = groupsOf(ipv6);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  const nat64 =
    groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0);
  if (!mapped && !nat64) return undefined;
  const [high, low] = [groups[6] ?? 0, groups[7] ?? 0];
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

function kindIn(
  lists: readonly (readonly [BlockList, AddressKind])[],
  ip: string,
  family: Family,
): AddressKind {
  return lists.find(([list]) => list.check(ip, family))?.[1] ?? (family === 'ipv4' ? 'public' : 'reserved');
}

/**
 * Says what an IP address is. Takes IPv4 in four decimal parts or IPv6 in any spelling, without brackets; a
 * zone (`fe80::1%eth0`) makes any address `link_local`. Addresses that carry an IPv4 address and reach it
 * (mapped, NAT64, as networks without IPv4 hand out for every name) are judged by that address. Whatever is
 * not an address is `reserved`.
 */
export function judgeAddress(ip: string): AddressKind {
  if (ip.includes('%')) return 'link_local';
  const version = isIP(ip);
  if (version === 4) return kindIn(ipv4Lists, ip, 'ipv4');
  if (version !== 6) return 'reserved';
  const inner = reachedIpv4(ip);
  return inner === undefined ? kindIn(ipv6Lists, ip, 'ipv6') : kindIn(ipv4Lists, inner, 'ipv4');
}

/**
 * True where a call may connect: a public address, or one inside the owner's network when the owner named
 * that exact host and port. Link-local, metadata, multicast and unspecified addresses are never reached
 * (T10).
 */
export function mayConnect(kind: AddressKind, ownerAllowed: boolean): boolean {
  if (kind === 'public') return true;
  return ownerAllowed && (kind === 'private' || kind === 'loopback' || kind === 'reserved');
}
