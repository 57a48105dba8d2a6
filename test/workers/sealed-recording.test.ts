// Sealed messages of a person's object: in no row as they were, and whole for whoever has the key.
import { evictDurableObject } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import type { WireEntry } from '../../src/session/contract/recording.ts'
import { makeSealingKey } from '../world/sealing-key.ts'
import { at, eachBeginsAt } from './clock.ts'
import { granted, nobody, NOW, rowsOf, type Session } from './person.ts'
import { readRecordingOf } from './read-sealed.ts'

const KEY = await makeSealingKey()
const BY = { actor: 'carol@example.com', reason: 'looking for a bug' }
const CANARY = 'a canary that nobody may find'

eachBeginsAt(() => NOW)

describe('what was recorded', () => {
  test('is in no row of the storage, and comes back whole with the passphrase', async () => {
    const session = await recorded({ request: JSON.stringify(CANARY), answer: JSON.stringify({ told: CANARY }) })
    expect(JSON.stringify(await rowsOf(session))).not.toContain(CANARY)
    expect(JSON.stringify(await session.recording({ after: 0 }))).not.toContain(CANARY)
    expect(await readRecordingOf(session, KEY)).toMatchObject({
      entries: [{ number: 1, method: 'tools/call', request: JSON.stringify(CANARY), answer: JSON.stringify({ told: CANARY }) }],
      problems: [],
    })
  })

  test('may be messages of four mebibytes', async () => {
    const long = JSON.stringify('ü'.repeat(2 * 1024 * 1024 - 1))
    const session = await recorded({ request: long, answer: long })
    const { entries, problems } = await readRecordingOf(session, KEY)
    expect(problems).toEqual([])
    expect([entries[0]?.request === long, entries[0]?.answer === long]).toEqual([true, true])
    expect((await rowsOf(session))['sealed_parts']).toHaveLength(9)
  })

  test('before and after an eviction is one recording, under two keys', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ sealedTo: KEY, minutes: 5 }, BY)
    await session.note([entry(grant, { request: '1' })])
    await evictDurableObject(session)
    await session.note([entry(grant, { request: '2' })])
    await session.stopRecording(BY)
    expect((await rowsOf(session))['sealed_segments']).toHaveLength(2)
    expect(await readRecordingOf(session, KEY)).toMatchObject({ entries: [{ request: '1' }, { request: '2' }], problems: [] })
  })

  test('before a key was replaced stays readable with the key of then', async () => {
    const next = await makeSealingKey()
    const session = await recorded({ request: '"old"' })
    const grant = await granted(session, { clientId: 'client-b' })
    await session.record({ sealedTo: next, minutes: 5 }, BY)
    await session.note([entry(grant, { request: '"new"' })])
    await session.stopRecording(BY)
    expect(await readRecordingOf(session, KEY)).toMatchObject({
      entries: [{ request: '"old"' }, {}],
      problems: ['key_not_opened'],
    })
    expect(await readRecordingOf(session, next)).toMatchObject({
      entries: [{}, { request: '"new"' }],
      problems: ['key_not_opened'],
    })
  })

  test('leaves an event when somebody takes it, once in ten minutes for each of them, and none where there are no messages', async () => {
    const session = await recorded({ request: '1' })
    const empty = await recorded({})
    const take = async (actor: string) => await Promise.all([session, empty].map((of) => of.sealedRecording(0, 1, { actor })))
    for (const actor of ['carol', 'carol', 'dave']) await take(actor)
    expect(await readings(session)).toHaveLength(2)
    at(NOW + 600)
    await take('carol')
    expect(await readings(session)).toHaveLength(3)
    expect(await readings(empty)).toEqual([])
  })

  test('attack 130: is nothing where another key stands under the fingerprint', async () => {
    const { key } = await makeSealingKey()
    const session = nobody()
    const grant = await granted(session)
    await session.record({ sealedTo: { ...KEY, key }, minutes: 5 }, BY)
    await session.note([entry(grant, { request: '1' })])
    await session.stopRecording(BY)
    const { sealed_parts: parts, sealed_segments: segments } = await rowsOf(session)
    expect([parts, segments]).toEqual([[], []])
  })

  test('is not said to be whole while it goes on', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ sealedTo: KEY, minutes: 5 }, BY)
    await session.note([entry(grant, { request: '1' })])
    expect(await readRecordingOf(session, KEY)).toMatchObject({ entries: [{ request: '1' }], problems: ['not_closed'] })
  })
})

async function readings(session: Session): Promise<readonly unknown[]> {
  return ((await rowsOf(session))['outbox'] ?? []).filter(({ event }) => JSON.stringify(event).includes('recording_read'))
}

async function recorded(...seen: readonly Partial<WireEntry>[]): Promise<Session> {
  const session = nobody()
  const grant = await granted(session)
  await session.record({ sealedTo: KEY, minutes: 5 }, BY)
  for (const more of seen) await session.note([entry(grant, more)])
  await session.stopRecording(BY)
  return session
}

function entry({ grantId, clientId }: { grantId: string; clientId: string }, more: Partial<WireEntry>): WireEntry {
  const wire = { kind: 'exchange', direction: 'to_server', era: 'modern', requestId: 'r-1', verb: 'POST' } as const
  return { at: Date.now(), grantId, clientId, ...wire, method: 'tools/call', status: 200, ...more }
}
