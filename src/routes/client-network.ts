// Where a request came from, for counting: keyed hashes of its networks, unreadable for whoever reads the table they stand in.
import type { Context } from 'hono'
import type { KeyRing } from '../issuer/keys.ts'
import { hmac, toHex } from '../platform/crypto.ts'

/** The widest network first, as `clients/networks.ts` takes them apart. */
export async function sourceOf(c: Context, { current }: KeyRing): Promise<string> {
  // Cloudflare sets this header and nobody else can; X-Forwarded-For is whatever the client likes.
  const networks = networksAround(c.req.header('CF-Connecting-IP') ?? '')
  const hashes = networks.map(async (network) => toHex(await hmac(current.client, `source ${network}`)).slice(0, 16))
  return (await Promise.all(hashes)).join(' ')
}

/** A subscriber of IPv6 has a /56 or a /48, and can take a new /64 for every request; one of IPv4 may have a few addresses in a row. */
export function networksAround(said: string): readonly string[] {
  const address = addressIn(said)
  const ipv4 = /(?:^|:)((?:\d+\.){3})\d+$/.exec(address)
  if (ipv4) return [`${ipv4[1]}0/24`, address.slice(address.lastIndexOf(':') + 1)]
  if (!address.includes(':')) return [address]
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').filter((group) => group !== '').length
  const [a, b, c, d = ''] = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail ?? '').split(':')]
    .slice(0, 4)
    .map((group) => group.padStart(4, '0'))
  return [`${a}:${b}:${c}/48`, `${a}:${b}:${c}:${d.slice(0, 2)}/56`, `${a}:${b}:${c}:${d}/64`]
}

/** Proxies are known to say the port too, which is another one each time, or to add the address to what was there: only the last is theirs. */
function addressIn(said: string): string {
  const last = said.slice(said.lastIndexOf(',') + 1).trim()
  const [, bracketed, ipv4] = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(last) ?? []
  const [address = ''] = (bracketed ?? ipv4 ?? last).split('%', 1)
  return address
}
