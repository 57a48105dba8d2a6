// The networks a stranger comes from, narrow and wide: one subscriber has many addresses, and is counted as one.
//
// A source is one string, the widest network first, each a keyed hash: so the networks of a row are found in the one column it has.

export interface Network {
  /** What the sources within it begin with. */
  readonly prefix: string
  /** How many times as much as a single source may come from it. */
  readonly share: number
}

/** IPv6: a /64 is a link, a /56 or a /48 what a subscriber is given. IPv4: an address, and the /24 around it. */
const SHARES: Readonly<Record<number, readonly number[]>> = { 2: [4, 1], 3: [4, 2, 1] }
const SOURCE = /^[\da-f]{16}(?: [\da-f]{16}){1,2}$/

/** The widest first; whatever has not the form of such a source is one network. */
export function networksOf(source: string): readonly [Network, ...Network[]] {
  const parts = SOURCE.test(source) ? source.split(' ') : [source]
  const networks = parts.map((_, n) => ({ prefix: parts.slice(0, n + 1).join(' '), share: SHARES[parts.length]?.[n] ?? 1 }))
  const [widest = { prefix: source, share: 1 }, ...narrower] = networks
  return [widest, ...narrower]
}

/** The condition in SQL that a source is within the network whose prefix the parameter is: that, or it and a space and more. */
export function isWithin(parameter: string): string {
  // The exclamation mark is the character after the space.
  return `source >= ${parameter} AND source < ${parameter} || '!'`
}

/** Of what all together may do in a minute the last quarter is for those of whom nobody has been seen in it. */
export function openTo(isNew: boolean, overall: number): number {
  return isNew ? overall : Math.ceil(overall * 0.75)
}
