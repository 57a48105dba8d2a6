// A person's object dies alone: the router lives, its leashes break, and streams keep the same promises as when everything dies.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { CountingClient, type CountingOptions } from '../../crash/counting-client.ts'
import { NumberingDownstream } from '../../crash/numbering-downstream.ts'
import { verdictOn, verdictOnCall } from '../../crash/verdict.ts'
import { callTool } from '../../world/broker-client.ts'
import { ROOT } from '../../world/bundle.ts'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { OpenStream } from '../../world/open-stream.ts'
import { startWorld } from '../../world/world.ts'

const INTACT = { lost: 0, doubled: 0, disordered: 0 }

const the = fixture(async (closing) => {
  const downstream = await closing(NumberingDownstream.start({ seed: 1 }))
  const world = await closing(
    startWorld({ project: join(ROOT, 'test/crash/mortal'), overrides: { DOWNSTREAM_MCP_URL: downstream.url } }),
  )
  const token = (await credentialsFor('alice', world.mcpUrl)).accessToken
  return { world, downstream, token }
})

async function killObject(): Promise<void> {
  await fetch(`${the.world.brokerUrl}/mortal/${decodeJwt(the.token).sub}`, { method: 'POST' })
}

test('streams of the legacy eras go on where the downstream resumes, and end with an error where it does not', async () => {
  const resumable = await CountingClient.open(the.world.mcpUrl, the.token, 'resumable')
  const fragile = await CountingClient.open(the.world.mcpUrl, the.token, 'fragile')
  const enough = new AbortController()
  const options: CountingOptions = { mayReturn: () => Promise.resolve(), until: AbortSignal.timeout(20_000) }
  const heard: (number | undefined)[] = []
  const standing = resumable.stand({ ...options, until: enough.signal, onMessage: (number) => void heard.push(number) })
  let begun = 0
  const counting: CountingOptions = { ...options, onId: () => void (begun += 1) }
  const calls = Promise.all([resumable.count(40, counting), resumable.count(40, counting)])
  const lost = fragile.count(40, options)
  // Two primings, two numbers at least.
  await expect.poll(() => begun, { timeout: 10_000 }).toBeGreaterThan(3)
  for (let death = 1; death <= 2; death += 1) {
    await sleep(350)
    await killObject()
  }
  for (const counted of await calls) expect([counted.ending, verdictOnCall(counted, 40)]).toEqual(['result', INTACT])
  expect((await lost).ending).toBe('error')
  const last = the.downstream.quieten('resumable')
  await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toBe(last)
  enough.abort()
  const { numbers, connections } = await standing
  expect([connections, verdictOn(numbers, last)]).toEqual([3, INTACT])
})

test('a stream of 2026-07-28 ends with its leash, for nobody could revoke it any more; the next one begins at once', async () => {
  const options = { tool: 'count', arguments: { to: 1_000 } }
  const stream = new OpenStream(await callTool(the.world.mcpUrl, the.token, options))
  await stream.untilSaid('"number":2')
  await killObject()
  expect(await stream.endsWithin(2_000)).toBe(true)
  expect(stream.text).toContain(': closed: auth_unavailable')
  await expect.poll(() => the.downstream.requests.open.length).toBe(0)
  const next = new OpenStream(await callTool(the.world.mcpUrl, the.token, { ...options, arguments: { to: 3 } }))
  await next.untilSaid('counted to 3')
})
