// A client that is unblocked while people are still being asked: the block goes no further, and concerns nobody who signs in after it.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import type { AdminAction } from '../../src/session/contract/receipt.ts'
import { eachBeginsAt } from './clock.ts'
import { connect, EVERYONE, freshDirectory, goOn, isLive, personNamed, receiptOf, summary, type DirectoryStub } from './crowd.ts'
import { at, NOW, RESOURCE } from './person.ts'
import { UNSAID } from '../../src/clients/client-record.ts'

const BLOCK: AdminAction = { ...EVERYONE, id: 'block', action: 'block', target: { what: 'client', id: 'client-a' } }
const UNBLOCK: AdminAction = { ...BLOCK, id: 'unblock', action: 'unblock' }

eachBeginsAt(() => NOW)

async function withClient(): Promise<DirectoryStub> {
  const directory = freshDirectory()
  const known = { name: 'App', redirectUris: ['http://localhost/cb'], authMethod: 'none', grantTypes: [] } as const
  await directory.register({ id: 'client-a', ...known, ...UNSAID, registeredAt: NOW }, 'here')
  return directory
}

const rename = (sub: string, from: string, to: string) =>
  runInDurableObject(personNamed(sub), (_, { storage: { sql } }) => {
    sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`)
  })

test(
  'goes no further: who was not asked keeps the client, who is asked is counted, the receipt says so',
  { timeout: 30_000 },
  async () => {
    const directory = await withClient()
    await Promise.all(Array.from({ length: 55 }, (_, n) => connect(directory, `asked-${n + 10}`)))
    at(NOW)
    const held = Promise.withResolvers<void>()
    const holding = runInDurableObject(personNamed('asked-12'), async (_, state) => {
      await state.blockConcurrencyWhile(() => held.promise)
    })
    await directory.blockClient(BLOCK)
    const alarm = runDurableObjectAlarm(directory)
    while (await isLive('asked-10')) await new Promise((resolve) => setTimeout(resolve, 5))
    const unblocking = directory.unblockClient(UNBLOCK)
    while ((await receiptOf(directory, 'block')).state === 'running') await new Promise((resolve) => setTimeout(resolve, 5))
    held.resolve()
    await holding
    expect(await unblocking).toMatchObject({ state: 'done' })
    await alarm
    await runDurableObjectAlarm(directory)
    const { people, grants, ...receipt } = await receiptOf(directory, 'block')
    expect(receipt).toMatchObject({ state: 'cancelled', acknowledgedAt: null })
    // How many are asked at a time follows from how busy this computer is: ten first, then two to fifty.
    expect(people).toEqual({ total: 55, done: grants, failing: 0 })
    expect(grants).toBeGreaterThanOrEqual(1)
    expect(grants).toBeLessThanOrEqual(50)
    expect([await isLive('asked-12'), await isLive('asked-60')]).toEqual([false, true])
  },
)

test('asks nobody again who has not answered', async () => {
  const directory = await withClient()
  await connect(directory, 'not-answering')
  await rename('not-answering', 'grants', 'grants_away')
  await directory.blockClient(BLOCK)
  await goOn(directory, ({ state }) => state === 'retrying', 'block')
  await directory.unblockClient(UNBLOCK)
  await rename('not-answering', 'grants_away', 'grants')
  at(NOW + 100)
  await runDurableObjectAlarm(directory)
  const receipt = { state: 'cancelled', people: { total: 1, done: 0, failing: 0 } }
  expect(await directory.receipt('block')).toMatchObject({ receipt, failing: [] })
  expect(await isLive('not-answering')).toBe(true)
})

test('that was over ends late what was signed in to before it, and nothing that was after it', async () => {
  const directory = await withClient()
  await directory.blockClient(BLOCK)
  await directory.unblockClient(UNBLOCK)
  await connect(directory, 'reported-late', ['client-a'], NOW - 10)
  at(NOW + 20)
  const enrolment = {
    identity: summary('reported-late', []).identity,
    clientId: 'client-a',
    clientName: 'App',
    grants: [{ id: 'young', resource: RESOURCE, scopes: ['mcp'] }],
    createdAt: NOW + 20,
    endsAt: NOW + 86_400,
  }
  await personNamed('reported-late').enrol(enrolment, { actor: 'a test' })
  const event = { type: 'signed_in', at: NOW + 5, grantedAt: NOW - 10, clientId: 'client-a', number: 2 } as const
  await directory.record({ person: summary('reported-late', ['client-a'], 2), events: [event], receipts: [] })
  await runDurableObjectAlarm(directory)
  const young = { grantId: 'young', clientId: 'client-a', generation: 1 }
  expect([await isLive('reported-late'), await personNamed('reported-late').isActive(young, 'access')]).toEqual([false, true])
})
