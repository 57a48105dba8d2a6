// Actions on those who use one client or one server: only they are asked, whoever comes late is found, and a blocked client stays out.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import type { AdminAction } from '../../src/session/contract/receipt.ts'
import { eachBeginsAt } from './clock.ts'
import { connect, EVERYONE, freshDirectory, goOn, isLive, receiptOf, summary } from './crowd.ts'
import { at, NOW, RESOURCE } from './person.ts'
import { UNSAID } from '../../src/clients/client-record.ts'

eachBeginsAt(() => NOW)

describe('what concerns one client', () => {
  test('leaves the others, and the people who do not use it', async () => {
    const directory = freshDirectory()
    await connect(directory, 'both', ['client-a', 'client-b'])
    await connect(directory, 'other', ['client-b'])
    await directory.begin({ ...EVERYONE, target: { what: 'client', id: 'client-a' } })
    expect(await goOn(directory)).toMatchObject({ people: { total: 1, done: 1 }, grants: 1 })
    expect([await isLive('both', 'client-a'), await isLive('both', 'client-b'), await isLive('other', 'client-b')]).toEqual([
      false,
      true,
      true,
    ])
  })

  test('blocked, it can not be connected, stays known however old, and ends even what is younger than the block', async () => {
    const directory = freshDirectory()
    const client = {
      name: 'App',
      redirectUris: ['http://localhost/cb'],
      authMethod: 'none',
      grantTypes: ['authorization_code'],
    } as const
    await directory.register({ id: 'client-a', ...client, ...UNSAID, registeredAt: NOW }, 'here')
    await connect(directory, 'user', ['client-a'], NOW + 5)
    const order = { ...EVERYONE, id: 'block', action: 'block', target: { what: 'client', id: 'client-a' } } as const
    expect(await directory.blockClient({ ...order, id: 'none', target: { what: 'client', id: 'nobody' } })).toBeUndefined()
    expect(await directory.blockClient(order)).toMatchObject({ action: 'block', people: { total: 1 } })
    at(NOW + 6)
    expect(await goOn(directory, undefined, 'block')).toMatchObject({ grants: 1 })
    expect(await isLive('user')).toBe(false)

    at(NOW + 500 * 86_400)
    await runDurableObjectAlarm(directory)
    expect(await directory.client('client-a')).toMatchObject({ isBlocked: true })
    const { clients } = await directory.clients('app', undefined)
    expect(clients).toMatchObject([{ id: 'client-a', blocked: { by: 'carol@example.com', why: 'a drill' } }])

    expect(await directory.unblockClient({ ...order, id: 'unblock', action: 'unblock' })).toMatchObject({ state: 'done' })
    expect(await directory.unblockClient({ ...order, id: 'again', action: 'unblock' })).toBeUndefined()
    const events = await directory.securityEvents({ clientId: 'client-a' })
    expect(events.map(({ type, actor }) => [type, actor])).toEqual([
      ['client_unblocked', 'carol@example.com'],
      ['client_blocked', 'carol@example.com'],
    ])
  })
})

describe('what concerns one server', () => {
  const ANOTHER = 'http://localhost:8788/servers/documents/mcp'
  const order: AdminAction = { ...EVERYONE, id: 'server', target: { what: 'resource', id: RESOURCE } }

  test('asks those who have a grant for it, and of three thousand others wakes nobody', async () => {
    const directory = freshDirectory()
    await directory.record({ person: summary('elsewhere', ['client-a'], 1, ANOTHER), events: [], receipts: [] })
    await runInDurableObject(directory, (_, { storage: { sql } }) => {
      const others = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) `
      const copy = `SELECT 'elsewhere-' || i, issuer, subject, email, name, groups, blocked, live_grants, first_seen, last_seen, number`
      sql.exec(`${others} INSERT INTO people ${copy} FROM people, n WHERE sub = 'elsewhere'`)
      sql.exec(`${others} INSERT INTO person_resources SELECT ?, 'elsewhere-' || i FROM n`, ANOTHER)
    })
    for (const sub of ['here-1', 'here-2']) await connect(directory, sub)
    expect([await directory.usersOf(RESOURCE), await directory.usersOf(ANOTHER)]).toEqual([2, 3_001])
    const said = vi.spyOn(console, 'info')
    expect(await directory.begin(order)).toMatchObject({ people: { total: 2 } })
    expect(await goOn(directory, undefined, 'server')).toMatchObject({ people: { total: 2, done: 2 }, grants: 2 })
    expect(said.mock.calls.flat().filter((line) => String(line).includes('session.woke'))).toEqual([])
    expect([await isLive('here-1'), await isLive('here-2')]).toEqual([false, false])
  })

  test('finds who was signing in to it when it came, and nobody who was signing in to another', async () => {
    const directory = freshDirectory()
    await directory.begin(order)
    for (const [sub, resource] of [
      ['late-here', RESOURCE],
      ['late-elsewhere', ANOTHER],
    ] as const) {
      await connect(directory, sub, ['client-a'], NOW - 10)
      const event = { type: 'signed_in', at: NOW + 5, grantedAt: NOW - 10, clientId: 'client-a', resource, number: 2 } as const
      await directory.record({ person: summary(sub, ['client-a'], 2, resource), events: [event], receipts: [] })
    }
    await runDurableObjectAlarm(directory)
    expect(await receiptOf(directory, 'server')).toMatchObject({ state: 'done', people: { total: 1, done: 1 }, grants: 1 })
    expect([await isLive('late-here'), await isLive('late-elsewhere')]).toEqual([false, true])
  })
})
