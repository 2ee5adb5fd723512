import { describe, expect, it } from 'vitest';
import { judgeAddress, mayConnect, type AddressKind } from './address.js';

const KINDS: Record<AddressKind, readonly string[]> = {
  public: [
    ...[
      '1.1.1.1',
      '8.8.8.8',
      '9.255.255.255',
      '11.0.0.0',
      '100.63.255.255',
      '100.128.0.0',
      '126.255.255.255',
    ],
    ...[
      '128.0.0.1',
      '169.253.255.255',
      '169.255.0.0',
      '172.15.255.255',
      '172.32.0.0',
      '192.0.1.0',
      '192.167.255.255',
    ],
    ...['192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255', '168.63.129.15'],
    ...['2606:4700::1111', '2a00:1450:4001:81b::200e', '2000::1', '2003::', '3ffe::1'],
    ...['::ffff:8.8.8.8', '::FFFF:808:808', '64:ff9b::8.8.8.8', '64:ff9b::0808:0808'],
  ],
  private: [
    ...[
      '10.0.0.0',
      '10.255.255.255',
      '100.64.0.0',
      '100.127.255.255',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
    ],
    ...['fc00::', 'fd12:3456::1', 'fdff:ffff::', 'fec0::1', '64:ff9b:1::8.8.8.8'],
    ...['::ffff:10.0.0.1', '::ffff:c0a8:0101', '0:0:0:0:0:ffff:ac10:1', '64:ff9b::192.168.0.1'],
  ],
  loopback: [
    '127.0.0.1',
    '127.255.255.255',
    '127.1.2.3',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ],
  link_local: [
    ...['169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%eth0', '2606:4700::1111%1'],
    ...['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::169.254.169.254', '64:ff9b::a9fe:a9fe'],
  ],
  metadata: [
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::ffff:168.63.129.16',
  ],
  multicast: ['224.0.0.1', '239.255.255.250', 'ff02::1', 'ff0e::1', '::ffff:224.0.0.1'],
  unspecified: ['0.0.0.0', '0.1.2.3', '0.255.255.255', '::', '::ffff:0.0.0.0', '64:ff9b::0.0.0.0'],
  reserved: [
    ...[
      '192.0.0.1',
      '192.0.2.1',
      '192.88.99.1',
      '198.18.0.1',
      '198.19.255.255',
      '198.51.100.7',
      '203.0.113.9',
    ],
    ...[
      '240.0.0.1',
      '255.255.255.255',
      '::ffff:255.255.255.255',
      '::127.0.0.1',
      '::8.8.8.8',
      '::2',
      '100::1',
    ],
    ...[
      '2001::1',
      '2001:0:4136:e378:8000:63bf:3fff:fdd2',
      '2001:2::1',
      '2001:10::1',
      '2001:20::1',
      '2001:db8::1',
    ],
    ...[
      '2002:7f00:1::',
      '2002:a9fe:a9fe::1',
      '2002:808:808::1',
      '3fff::1',
      '4000::1',
      '5f00::1',
      '64:ff9b:2::1',
    ],
    ...[
      '',
      'localhost',
      '1.2.3',
      '0x7f.0.0.1',
      '0177.0.0.1',
      '2130706433',
      '[::1]',
      '::1::',
      '1.2.3.4.5',
      '256.1.1.1',
    ],
  ],
};

describe('T10: what an address is', () => {
  for (const [kind, addresses] of Object.entries(KINDS)) {
    it.each(addresses)(`${kind}: %s`, (address) => expect(judgeAddress(address)).toBe(kind));
  }

  it('reads an IPv4 address inside IPv6 the same in every spelling', () => {
    const spellings = [
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '0:0:0:0:0:ffff:a9fe:a9fe',
      '0::0:ffff:169.254.169.254',
    ];
    expect(new Set(spellings.map(judgeAddress))).toEqual(new Set(['link_local']));
  });
});

describe('T10: which addresses are reached', () => {
  const kinds = Object.keys(KINDS) as AddressKind[];
  it('reaches only public ones unasked', () => {
    expect(kinds.filter((kind) => mayConnect(kind, false))).toEqual(['public']);
  });
  it("reaches the owner's own network by exception, but never link-local, metadata, multicast or unspecified", () => {
    expect(kinds.filter((kind) => mayConnect(kind, true))).toEqual([
      'public',
      'private',
      'loopback',
      'reserved',
    ]);
  });
});
