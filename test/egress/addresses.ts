// One address of every network that is not the public one, and the name by which a stranger's document names it.

/** In a public network: a stranger's host, as it should be. */
export const PUBLIC_ADDRESS = '93.184.216.34'
export const PUBLIC_NAME = 'documents.example.org'

const V4 = `
0.0.0.1 10.0.0.1 10.255.255.254 100.64.0.1 100.100.100.200 127.0.0.1 127.8.8.8 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.254
192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.254 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1
168.63.129.16`

const V6 = `
::1 ::10.0.0.1 ::ffff:10.0.0.1 ::ffff:127.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:a00:1::1 3fff::1 5f00::1
fc00::1 fd00:ec2::254 fe80::1 fec0::1`

export const NUMBERS: readonly string[] = `${V4} ${V6}`.trim().split(/\s+/)

/** Some that any network reaches which is not the strangers': by them the trap is tried. */
export const TRAPS: readonly string[] = ['10.0.0.1', '127.0.0.1', '169.254.169.254', '64:ff9b::a00:1', '::1', 'fd00:ec2::254']

/** Names that look public and resolve to those, and one that clouds have. */
export const NAMES: ReadonlyMap<string, string> = new Map([
  ...NUMBERS.map((address, n) => [`inside-${n}.example.org`, address] as const),
  ['metadata.google.internal', '169.254.169.254'],
])

/** Some of them as nobody writes them: in one number, in octal, in hexadecimal, shortened, with a zone or a dot at the end. */
export const SPELLINGS: readonly string[] = `
2130706433 167772161 017700000001 0x7f000001 0177.0.0.1 0x7f.0.0.1 0x7f.1 127.1 10.1 0xa9fea9fe 2852039166 0251.0376.0251.0376 0 0.0.0.0 127.0.0.1. 10.0.0.1.
[::ffff:7f00:1] [::ffff:a00:1] [0:0:0:0:0:ffff:10.0.0.1] [::ffff:169.254.169.254] [::] [fe80::1%25lo] [fe80::1%lo] localhost. inside-1.example.org.
metadata.google.internal. １２７.０.０.１ 127。0。0。1 10.0.0.1:443 user@10.0.0.1 documents.example.org@10.0.0.1`
  .trim()
  .split(/\s+/)

/** Is at the public address when its document is read, and inside when its keys are. */
export const MOVING_NAME = 'moving.example.org'
export const MOVED_TO = '10.0.0.1'

export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
