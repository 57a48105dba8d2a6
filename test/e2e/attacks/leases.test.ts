// Calls the router answers without asking, while access is taken back in every way there is: nothing is answered afterwards.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { AdminProgram } from '../../world/administrator.ts'
import { BrokerClient } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'
import { REVOKED } from '../../world/revocations.ts'
import { revokeUnderLoad, sayWhen } from '../../world/under-load.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const downstream = await closing(startRawDownstream(sayWhen))
  const world = await closing(startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000' } }))
  const client = await BrokerClient.register(world.brokerUrl)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  return { world, client, carol }
})

describe('110. revoke while eight connections call without a pause', () => {
  // What was signed in to in the very second of a wide revocation is taken to be meant by it.
  beforeEach(() => sleep(1_050))

  test.for(REVOKED)('%s: no call that began afterwards gets through, and no later answer is passed on', async ([, revoke]) => {
    const tokens = await the.client.signIn('alice')
    const revoking = (): Promise<void> => revoke(the, tokens)
    const { before, ...after } = await revokeUnderLoad(the.world.mcpUrl, tokens.accessToken, revoking)
    expect(after.took).toBeLessThan(5_000)
    expect(after).toMatchObject({ begunAfter: 0, answeredAfter: 0, refused: new Set([401]) })
    expect(before).toBeGreaterThanOrEqual(40)
  })
})
