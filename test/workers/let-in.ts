// A client that somebody was let in by, as the person's object tells the Directory.
import { env } from 'cloudflare:workers'
import { summary } from './crowd.ts'

let numbers = 0

export async function letInBy(directory: ReturnType<typeof env.DIRECTORY.getByName>, clientId: string): Promise<void> {
  const at = Math.floor(Date.now() / 1000)
  const number = (numbers += 1)
  await directory.record({
    person: summary('let in', [], number),
    events: [{ type: 'signed_in', at, number, clientId }],
    receipts: [],
  })
}
