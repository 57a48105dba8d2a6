// Storage in ruins: without the Directory calls and refreshes go on; without a person's object nothing is decided about that person.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BrokerClient, callTool, statusWith, tokensOf } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { startWorld, type World } from '../world/world.ts'

const the = fixture(async (closing, onEnd) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'broker-directory-'))
  onEnd(() => rm(dataDir, { recursive: true, force: true }))
  const world = await closing(startWorld({ dataDir }))
  const client = await BrokerClient.register(world.brokerUrl, { token_endpoint_auth_method: 'client_secret_post' })
  const tokens = await client.signIn('alice')

  await ruin({ world, dataDir }, 'Directory')
  return { world, dataDir, client, tokens }
})

test('without the Directory calls and refreshes go on, clients authenticate, and access can be taken back', async () => {
  expect(await statusWith(the.world.mcpUrl, the.tokens.accessToken)).toBe(200)
  const renewed = tokensOf(await the.client.refresh(the.tokens.refreshToken))
  expect(await statusWith(the.world.mcpUrl, renewed.accessToken)).toBe(200)
  expect((await the.client.refresh(renewed.refreshToken, { client_secret: 'wrong' })).status).toBe(401)
  expect((await the.client.revoke(renewed.refreshToken)).status).toBe(200)
  expect(await statusWith(the.world.mcpUrl, renewed.accessToken)).toBe(401)
})

test('whoever does need the Directory is asked to come back, without a word about storage', async () => {
  const page = await fetch(the.client.authorizeUrl().url, { redirect: 'manual' })
  expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8')
  await isAskedToComeBack(page)
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'] })
  await isAskedToComeBack(await fetch(`${the.world.brokerUrl}/register`, { method: 'POST', headers, body }))
})

test('51. storage outage: without the person’s object no call passes, no token is issued, and nothing counts as revoked', async () => {
  await ruin(the, 'UserSession')
  the.world.downstream.requests.forget()
  await isAskedToComeBack(await callTool(the.world.mcpUrl, the.tokens.accessToken))
  const older = new LegacyClient(the.world.mcpUrl, the.tokens.accessToken)
  await isAskedToComeBack(await older.call('echo', { message: 'handed over' }))
  for (const { status, headers, text } of [
    await the.client.refresh(the.tokens.refreshToken),
    await the.client.revoke(the.tokens.refreshToken),
  ])
    await isAskedToComeBack(new Response(text, { status, headers }))
  expect(the.world.downstream.requests.all).toEqual([])
})

interface Ruinable {
  readonly world: World
  readonly dataDir: string
}

/** As after a bad disk: the objects of the class are there and can't be read. */
async function ruin({ world, dataDir }: Ruinable, className: 'Directory' | 'UserSession'): Promise<void> {
  await world.killRuntime()
  const folder = join(dataDir, 'durable-objects', className)
  // The runtime's own file beside them knows when alarms are due, and is needed to start at all.
  const files = (await readdir(folder)).filter((name) => !name.startsWith('metadata'))
  if (files.length === 0) throw new Error(`no ${className} has a file`)
  await Promise.all(files.map((name) => writeFile(join(folder, name), 'no database at all'.repeat(500))))
  await world.restartRuntime()
}

async function isAskedToComeBack(answer: Response): Promise<void> {
  expect(answer.status).toBe(503)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await answer.text()).not.toMatch(/sqlite|database|Error:|\bat \w+\.|internal error/i)
}
