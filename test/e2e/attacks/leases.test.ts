// Calls the router answers without asking, while access is taken back in every way there is: nothing is answered afterwards.
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AdminProgram } from '../../world/administrator.ts'
import { BrokerClient } from '../../world/broker-client.ts'
import { startRawDownstream, type RawDownstream } from '../../world/raw-downstream.ts'
import { revokeUnderLoad, sayWhen } from '../../world/under-load.ts'
import { startWorld, type World } from '../../world/world.ts'

let downstream: RawDownstream
let world: World
let client: BrokerClient
let carol: AdminProgram

beforeAll(async () => {
  downstream = await startRawDownstream(sayWhen)
  world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000' } })
  client = await BrokerClient.register(world.brokerUrl)
  carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
})
afterAll(async () => {
  await world?.close()
  await downstream?.close()
})

interface Access {
  readonly sub: string
  readonly grantId: string
  readonly refreshToken: string
}

/** Ordered by an administrator, and over when the receipt says so. */
const ordered = async (target: object): Promise<void> => {
  const { id } = await carol.revoke(target)
  while ((await carol.receipt(id))['state'] !== 'done') await sleep(2)
}

const KINDS: readonly [string, (access: Access) => Promise<unknown>][] = [
  ['of the person', ({ sub }) => ordered({ what: 'person', sub })],
  ['of the grant', ({ sub, grantId }) => ordered({ what: 'grant', id: grantId, sub })],
  ['of the person’s client', ({ sub }) => ordered({ what: 'client', id: client.clientId, sub })],
  ['of the client, for everybody', () => ordered({ what: 'client', id: client.clientId })],
  ['of the server, for everybody', () => ordered({ what: 'resource', id: world.mcpUrl })],
  ['of everyone', () => ordered({ what: 'everyone' })],
  ['by the client itself', ({ refreshToken }) => client.revoke(refreshToken)],
]

describe('110. revoke while eight connections call without a pause', () => {
  // What was signed in to in the very second of a wide revocation is taken to be meant by it.
  beforeEach(() => sleep(1_050))

  test.for(KINDS)('%s: no call that began afterwards gets through, and no later answer is passed on', async ([, revoke]) => {
    const { accessToken, refreshToken } = await client.signIn('alice')
    // Not looked up by the portal's ways: who is being looked at has no lease.
    const { sub = '', gid } = decodeJwt<{ gid: string }>(accessToken)
    const revoking = async (): Promise<void> => void (await revoke({ sub, grantId: gid, refreshToken }))
    const { before, ...after } = await revokeUnderLoad(world.mcpUrl, accessToken, revoking)
    expect(after.took).toBeLessThan(5_000)
    expect(after).toMatchObject({ begunAfter: 0, answeredAfter: 0, refused: new Set([401]) })
    expect(before).toBeGreaterThanOrEqual(40)
  })
})
