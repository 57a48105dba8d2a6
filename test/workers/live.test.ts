// The portal's live feed: who listens hears that something happened, changes nothing, and is put out when they may listen no longer.
import { env, evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import { UNTIL_HEADER, VISITOR_HEADER } from '../../src/directory/live-terms.ts'

let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`live ${(names += 1)}`)
type Directory = ReturnType<typeof freshDirectory>

const now = (): number => Math.floor(Date.now() / 1000)
const HOUR = 3_600

interface Listener {
  readonly heard: Record<string, unknown>[]
  readonly socket: WebSocket
  closed: number | undefined
}

async function listen(directory: Directory, visitor = 'carol', until = now() + HOUR): Promise<Listener> {
  const headers = { Upgrade: 'websocket', [VISITOR_HEADER]: visitor, [UNTIL_HEADER]: String(until) }
  const { webSocket } = await directory.fetch('https://directory/live', { headers })
  if (!webSocket) throw new Error('the Directory opened no WebSocket')
  const listener: Listener = { heard: [], socket: webSocket, closed: undefined }
  webSocket.addEventListener('message', ({ data }) => void listener.heard.push(JSON.parse(String(data))))
  webSocket.addEventListener('close', ({ code }) => void (listener.closed = code))
  webSocket.accept()
  return listener
}

let events = 0
async function happen(
  directory: Directory,
  type: 'signed_in' | 'person_blocked' = 'signed_in',
  sub = 'alice',
  at = now(),
): Promise<void> {
  const number = (events += 1)
  const identity = { issuer: 'https://idp.example', subject: sub, groups: [] }
  const person = {
    sub,
    identity,
    blocked: type === 'person_blocked',
    liveGrants: 1,
    clientIds: [],
    resources: [],
    links: [],
    lastSeenAt: at,
    number,
  }
  await directory.record({ person, events: [{ type, at, number }], receipts: [] })
}

const states = ({ heard }: Listener): readonly unknown[] =>
  heard.filter(({ type }) => type === 'cf_agent_state').map(({ state }) => state)

describe('who listens', () => {
  test('hears at once how much there is, and again when something happens', async () => {
    const directory = freshDirectory()
    await happen(directory)
    const carol = await listen(directory)
    await vi.waitFor(() => expect(states(carol).at(-1)).toEqual({ people: 1, connected: 1, streams: 0, newest: 1 }), 10_000)
    await happen(directory, 'signed_in', 'bob')
    await vi.waitFor(() => expect(states(carol).at(-1)).toEqual({ people: 2, connected: 2, streams: 0, newest: 2 }), 10_000)
  })

  test('hears once of much that happens at once', async () => {
    const directory = freshDirectory()
    const carol = await listen(directory)
    const before = await vi.waitUntil(() => states(carol).length, 10_000)
    await Promise.all(Array.from({ length: 40 }, (_, n) => happen(directory, 'signed_in', `person ${n}`)))
    await vi.waitFor(() => expect(states(carol).at(-1)).toMatchObject({ people: 40 }), 10_000)
    expect(states(carol).length - before).toBeLessThanOrEqual(3)
  })

  test('changes nothing by what they send', async () => {
    const directory = freshDirectory()
    await happen(directory)
    const carol = await listen(directory)
    carol.socket.send(JSON.stringify({ type: 'cf_agent_state', state: { people: 666 } }))
    await vi.waitFor(
      () => expect(carol.heard.at(-1)).toEqual({ type: 'cf_agent_state_error', error: 'Connection is readonly' }),
      10_000,
    )
    const other = await listen(directory)
    await vi.waitFor(() => expect(states(other).at(-1)).toMatchObject({ people: 1 }), 10_000)
  })

  test('stays connected while the Directory sleeps', async () => {
    const directory = freshDirectory()
    const carol = await listen(directory)
    await vi.waitUntil(() => states(carol).length > 0, 10_000)
    await evictDurableObject(directory)
    await happen(directory)
    await vi.waitFor(() => expect(states(carol).at(-1)).toMatchObject({ people: 1 }), 10_000)
    expect(carol.closed).toBeUndefined()
  })

  test('is put out when they are blocked, and only they', async () => {
    const directory = freshDirectory()
    const [carol, mallory] = [await listen(directory, 'carol'), await listen(directory, 'mallory')]
    await happen(directory, 'person_blocked', 'mallory')
    await vi.waitFor(() => expect(mallory.closed).toBe(1008), 10_000)
    expect(carol.closed).toBeUndefined()
  })

  test('is put out at the second at which their sign-in ends, although nothing happens', async () => {
    const directory = freshDirectory()
    const soon = await listen(directory, 'carol', now() + 2)
    await vi.waitUntil(() => states(soon).length > 0, 10_000)
    expect(soon.closed).toBeUndefined()
    await vi.waitFor(() => expect(soon.closed).toBe(1008), { timeout: 5_000 })
  })

  test('is put out when their sign-in has come to its end', async () => {
    const directory = freshDirectory()
    const late = await listen(directory, 'carol', now() - 1)
    await vi.waitFor(() => expect(late.closed).toBe(1008), 10_000)
  })
})

test('while nobody listens, what happens is written for the feed by nobody', async () => {
  const directory = freshDirectory()
  await happen(directory)
  const stored = await runInDurableObject(directory, (_, { storage }) =>
    storage.sql.exec('SELECT * FROM cf_agents_state').toArray(),
  )
  expect(stored).toEqual([])
})

test('the overview counts each kind of event in its hour, and forgets after two days', async () => {
  const directory = freshDirectory()
  const today = now()
  await happen(directory, 'signed_in', 'alice', today)
  await happen(directory, 'signed_in', 'bob', today)
  await happen(directory, 'person_blocked', 'bob', today)
  await happen(directory, 'signed_in', 'carol', today - 5 * HOUR)
  await happen(directory, 'signed_in', 'carol', today - 30 * HOUR)
  const { activity } = await directory.overview()
  expect(activity).toEqual([
    { hour: 18, type: 'signed_in', events: 1 },
    { hour: 23, type: 'person_blocked', events: 1 },
    { hour: 23, type: 'signed_in', events: 2 },
  ])
  await happen(directory, 'signed_in', 'alice', today + 40 * HOUR)
  const hours = await runInDurableObject(
    directory,
    (_, { storage }) => storage.sql.exec('SELECT hour FROM activity').toArray().length,
  )
  expect(hours).toBe(4)
})
