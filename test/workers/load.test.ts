// How busy a deployment is: told by people's objects a moment after something happened, kept for a day, at no cost to a request.
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LEASH_HEADER } from '../../src/session/contract/leash-terms.ts'
import { at, caller, granted, nobody, NOW, rowsOf } from './person.ts'

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`load ${(names += 1)}`)

const MINUTE = 60
const HOUR = 3_600

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  at(NOW)
  return () => vi.useRealTimers()
})
afterEach(() => vi.restoreAllMocks())

describe('the Directory', () => {
  test('adds up what the objects say in steps of a quarter of an hour', async () => {
    const directory = freshDirectory()
    const start = NOW - (NOW % (15 * MINUTE))
    at(start - 20 * MINUTE)
    await directory.load({ sub: 'alice', requests: 3, open: 2 })
    await directory.load({ sub: 'bob', requests: 1, open: 1 })
    at(start - 19 * MINUTE)
    await directory.load({ sub: 'alice', requests: 4, open: 0 })
    at(start + MINUTE)
    await directory.load({ sub: 'alice', requests: 5, open: 1 })
    const { load, streams } = await directory.overview()
    expect([load.step, load.requests.length, load.streams.length]).toEqual([900, 96, 96])
    expect(load.requests.slice(-4)).toEqual([0, 8, 0, 5])
    // Three at once, then bob's one that nobody said anything more about, then alice's too.
    expect(load.streams.slice(-4)).toEqual([0, 3, 1, 2])
    expect(streams).toBe(2)
  })

  test('goes on after it slept, and forgets after a day', async () => {
    const directory = freshDirectory()
    await directory.load({ sub: 'alice', requests: 7, open: 2 })
    await directory.overview()
    await evictDurableObject(directory)
    await directory.load({ sub: 'alice', requests: 1, open: 2 })
    expect((await directory.overview()).load.requests.at(-1)).toBe(8)
    at(NOW + 24 * HOUR + MINUTE)
    await directory.load({ sub: 'bob', requests: 1, open: 0 })
    const { load } = await directory.overview()
    expect(load.requests.reduce((sum, count) => sum + count, 0)).toBe(1)
    const rows = await runInDurableObject(directory, (_, { storage }) => storage.sql.exec('SELECT minute FROM load').toArray())
    expect(rows).toHaveLength(1)
  })

  test('does not count for ever what an object that died had open', async () => {
    const directory = freshDirectory()
    await directory.load({ sub: 'alice', requests: 1, open: 5 })
    at(NOW + 20 * HOUR)
    await directory.load({ sub: 'bob', requests: 1, open: 1 })
    expect((await directory.overview()).streams).toBe(6)
    at(NOW + 26 * HOUR)
    await directory.load({ sub: 'bob', requests: 1, open: 1 })
    expect((await directory.overview()).streams).toBe(1)
  })

  test('writes nothing for a report that says nothing new of the streams', async () => {
    const directory = freshDirectory()
    await directory.load({ sub: 'alice', requests: 1, open: 1 })
    const changes = () =>
      runInDurableObject(directory, (_, { storage }) => storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n)
    const before = await changes()
    for (let n = 0; n < 100; n += 1) await directory.load({ sub: 'alice', requests: 1, open: 1 })
    expect(await changes()).toBe(before)
    expect((await directory.overview()).load.requests.at(-1)).toBe(101)
  })
})

const nameOf = async (session: ReturnType<typeof nobody>) => await runInDurableObject(session, (_, { id }) => id.name ?? '')
const told = async (sub: string) =>
  await runInDurableObject(env.DIRECTORY.getByName('directory'), (_, { storage: { sql } }) => {
    const [row] = sql.exec<{ streams: number }>('SELECT streams FROM open_streams WHERE sub = ?', sub)
    return row?.streams ?? 0
  })
const requests = async () => (await env.DIRECTORY.getByName('directory').overview()).load.requests.at(-1) ?? 0

describe('a person’s object', () => {
  test('tells how many requests there were and how many streams are open, and keeps neither', async () => {
    vi.useRealTimers()
    const session = nobody()
    const [grant, sub] = [await granted(session), await nameOf(session)]
    const asked = caller(grant, 1, Math.floor(Date.now() / 1000) + HOUR)
    const count = await requests()
    for (let n = 0; n < 5; n += 1) await session.admit(asked)
    const stream = { streamId: 's1', grantId: grant.grantId, kind: 'request', label: 'tools/call', openedAt: 1 }
    const { webSocket } = await session.fetch('https://session/leash', {
      headers: { upgrade: 'websocket', [LEASH_HEADER]: JSON.stringify(stream) },
    })
    webSocket?.accept()
    await vi.waitFor(async () => expect(await told(sub)).toBe(1), { timeout: 5_000 })
    expect(await requests()).toBeGreaterThanOrEqual(count + 5)
    expect(JSON.stringify(await rowsOf(session))).not.toContain('"s1"')
    webSocket?.close(1000, 'ended')
    await vi.waitFor(async () => expect(await told(sub)).toBe(0), { timeout: 15_000 })
  }, 20_000)

  test('shows who looks what was asked for last, also after it slept, and wrote it after the requests and not with them', async () => {
    vi.useRealTimers()
    const session = nobody()
    const grant = await granted(session)
    const asked = caller(grant, 1, Math.floor(Date.now() / 1000) + HOUR)
    for (let n = 0; n < 30; n += 1) await session.admit(asked, `tools/call ${n}`)
    expect((await rowsOf(session))['recent_requests']).toEqual([])
    await vi.waitFor(async () => expect((await rowsOf(session))['recent_requests']).toHaveLength(1), { timeout: 5_000 })
    await evictDurableObject(session)
    const { requests: shown = [] } = (await session.describe()) ?? {}
    expect(shown.map(({ label }) => label)).toEqual(Array.from({ length: 25 }, (_, n) => `tools/call ${29 - n}`))
    expect(shown[0]).toMatchObject({ clientId: asked.clientId, resource: asked.resource })
  }, 20_000)
})
