// A client that somebody was let in by, as the person's object tells the Directory.
import { env } from 'cloudflare:workers'
import { IDENTITY } from './person.ts'

let numbers = 0

export async function letInBy(directory: ReturnType<typeof env.DIRECTORY.getByName>, clientId: string): Promise<void> {
  const at = Math.floor(Date.now() / 1000)
  const number = (numbers += 1)
  const sub = 'let in'
  const person = {
    sub,
    identity: IDENTITY,
    blocked: false,
    liveGrants: 0,
    clientIds: [],
    resources: [],
    links: [],
    lastSeenAt: at,
    number,
  }
  await directory.record({ person, events: [{ type: 'signed_in', at, number, clientId }], receipts: [] })
}
