// Where a request came from, for counting: a keyed hash of the network, unreadable for whoever reads the table it stands in.
import type { Context } from 'hono'
import type { KeyRing } from '../issuer/keys.ts'
import { hmac, toHex } from '../platform/crypto.ts'

export async function sourceOf(c: Context, { current }: KeyRing): Promise<string> {
  // Cloudflare sets this header and nobody else can; X-Forwarded-For is whatever the client likes.
  const network = networkOf(c.req.header('CF-Connecting-IP') ?? '')
  return toHex(await hmac(current.client, `source ${network}`)).slice(0, 32)
}

/** An IPv6 subscriber owns a /64 and can take a new address for every request; the network is what is counted. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').filter((group) => group !== '').length
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0')]
    .slice(0, 4)
    .map((group) => group.padStart(4, '0'))
    .join(':')
}
