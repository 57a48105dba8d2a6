// Calls the router answers without asking, while access is taken back in every way there is: nothing is answered afterwards.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AdminProgram } from '../../world/administrator.ts'
import { BrokerClient } from '../../world/broker-client.ts'
import { startRawDownstream, type RawDownstream } from '../../world/raw-downstream.ts'
import { REVOKED } from '../../world/revocations.ts'
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

describe('110. revoke while eight connections call without a pause', () => {
  // What was signed in to in the very second of a wide revocation is taken to be meant by it.
  beforeEach(() => sleep(1_050))

  test.for(REVOKED)('%s: no call that began afterwards gets through, and no later answer is passed on', async ([, revoke]) => {
    const tokens = await client.signIn('alice')
    const revoking = (): Promise<void> => revoke({ world, client, carol }, tokens)
    const { before, ...after } = await revokeUnderLoad(world.mcpUrl, tokens.accessToken, revoking)
    expect(after.took).toBeLessThan(5_000)
    expect(after).toMatchObject({ begunAfter: 0, answeredAfter: 0, refused: new Set([401]) })
    expect(before).toBeGreaterThanOrEqual(40)
  })
})
