// The flight recorder at the person's object: bounded, redacted, over by itself, and nothing at all where it is off.
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import type { WireEntry } from '../../src/session/contract/recording.ts'
import { eachBeginsAt } from './clock.ts'
import { makeSealingKey } from '../world/sealing-key.ts'
import { at, caller, granted, nobody, NOW, rowsOf, writesOf, type Grant, type Session } from './person.ts'
import { readRecordingOf } from './read-sealed.ts'

const DAY = 86_400
const BY = { actor: 'carol@example.com', reason: 'looking for a bug' }

const KEY = await makeSealingKey()

eachBeginsAt(() => NOW)

describe('an admission', () => {
  test('says nothing of a recording that is not there, or is another client’s', async () => {
    const session = nobody()
    const grant = await granted(session)
    const other = await granted(session, { clientId: 'client-b' })
    expect(await session.admit(caller(grant))).not.toHaveProperty('recording')
    await session.record({ grantId: other.grantId, minutes: 5 }, BY)
    expect(await session.admit(caller(grant))).not.toHaveProperty('recording')
    expect(await session.admit(caller(other))).toMatchObject({ recording: { bodies: false, until: NOW + 300 } })
  })

  test('that is refused says it too', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ sealedTo: KEY, minutes: 5 }, BY)
    for (let n = 0; n < 600; n += 1) await session.admit(caller(grant))
    expect(await session.admit(caller(grant))).toMatchObject({ reason: 'limit_exceeded', recording: { bodies: true } })
  })
})

describe('a recording', () => {
  test('of nobody does not begin', async () => {
    expect(await nobody().record({ minutes: 5 }, BY)).toBeUndefined()
  })

  test('switches itself off to the second, and what was recorded goes a day after it came', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ minutes: 5 }, BY)
    at(NOW + 299)
    await session.note([entry(grant)])
    at(NOW + 300)
    expect(await session.admit(caller(grant))).not.toHaveProperty('recording')
    await session.note([entry(grant)])
    expect(await session.recording({ after: 0 })).toMatchObject({ terms: undefined, entries: [{ number: 1 }], last: 1 })
    await runDurableObjectAlarm(session)
    expect((await rowsOf(session))['recording']).toEqual([])
    at(NOW + 299 + DAY)
    await runDurableObjectAlarm(session)
    expect((await rowsOf(session))['wire']).toEqual([])
  })

  test('lasts a day at most, whatever was asked', async () => {
    const session = nobody()
    await granted(session)
    expect(await session.record({ minutes: 1_000_000 }, BY)).toMatchObject({ until: NOW + DAY })
  })

  test('goes on after an eviction, and is told with who began it', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ minutes: 5 }, BY)
    await session.note([entry(grant)])
    await evictDurableObject(session)
    const terms = { id: expect.any(String), bodies: false, by: 'carol@example.com', startedAt: NOW, until: NOW + 300 }
    expect(await session.describe()).toMatchObject({ recording: terms })
    await session.note([entry(grant)])
    expect(await session.recording({ after: 1 })).toMatchObject({ terms, entries: [{ number: 2 }], last: 2 })
  })

  test('that is off takes nothing and writes nothing', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ minutes: 5 }, BY)
    expect(await session.stopRecording(BY)).toBe(true)
    expect(await session.stopRecording(BY)).toBe(false)
    const before = await writesOf(session)
    await session.note([entry(grant)])
    expect(await writesOf(session)).toBe(before)
    expect(await session.recording({ after: 0 })).toMatchObject({ entries: [] })
  })

  test('holds two thousand entries; the oldest make room', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ minutes: 5 }, BY)
    for (let n = 0; n < 21; n += 1) await session.note(Array.from({ length: 100 }, () => entry(grant)))
    expect(await countOf(session)).toBe(2_000)
    expect((await session.recording({ after: 0 })).entries[0]?.number).toBe(101)
    await evictDurableObject(session)
    await session.note([entry(grant)])
    expect(await countOf(session)).toBe(2_000)
  })

  test('holds as many bytes as the settings say, messages included', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ sealedTo: KEY, minutes: 5 }, BY)
    const large = entry(grant, { request: JSON.stringify('ä'.repeat(1_500_000)), answer: JSON.stringify('x '.repeat(1_900_000)) })
    for (let n = 0; n < 11; n += 1) await session.note([large])
    const { wire = [], sealed_parts: parts = [] } = await rowsOf(session)
    const bytes = wire.reduce((sum, { size }) => sum + Number(size), 0)
    expect(bytes).toBeLessThanOrEqual(64 * 1024 * 1024)
    expect(bytes).toBeGreaterThan(56 * 1024 * 1024)
    expect(new Set(parts.map(({ entry: number }) => number))).toEqual(new Set(wire.map(({ number }) => number)))
  })

  test('keeps no message that nobody asked for, whoever sends it', async () => {
    const session = nobody()
    const grant = await granted(session)
    await session.record({ minutes: 5 }, BY)
    await session.note([entry(grant, { request: 'private', answer: 'private' })])
    expect(JSON.stringify(await rowsOf(session))).not.toContain('private')
  })
})

describe('56. what is written of a message has no', () => {
  test.for<[string, string, string]>([
    ['envelope', '"x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2ln y"', '"x [redacted] y"'],
    ['envelope that was cut off', '"x eyJhbGciOiJIUzI1NiJ9.eyJzdWIi"', '"x [redacted]"'],
    ['bearer credential', '{"h":"Bearer canary.of+mine"}', '{"h":"[redacted]"}'],
    ['token field', '{"access_token":"canary","expires_in":60}', '{"access_token":"[redacted]","expires_in":60}'],
    [
      'field in an inner JSON text',
      String.raw`{"text":"{\"refresh_token\": \"canary\", \"a\": 1}"}`,
      String.raw`{"text":"{\"refresh_token\":\"[redacted]\",\"a\":1}"}`,
    ],
    ['value with quotes in it', String.raw`{"password":"can\"ary","a":1}`, '{"password":"[redacted]","a":1}'],
    ['message that was cut off', '{"a":1,"client_secret":"cana', '[28 characters that are not JSON]'],
    ['text that is almost JSON', '{"text":"so: {\\"password\\":\\"canary"}', '{"text":"[23 characters that are not JSON]"}'],
    ['listed header', '[{"name":"Authorization","value":"canary"}]', '[{"name":"Authorization","value":"[redacted]"}]'],
    ['secret that is a number', '{"api_key":1234567,"a":1}', '{"api_key":"[redacted]","a":1}'],
    ['secret that is an object', '{"credentials":{"user":"canary"},"a":1}', '{"credentials":"[redacted]","a":1}'],
    [
      'header in any spelling',
      '{"X-Api-Key":"canary","SET-COOKIE":"canary"}',
      '{"X-Api-Key":"[redacted]","SET-COOKIE":"[redacted]"}',
    ],
    ['token of the provider by its value', '"it says: idp access token 1"', '"it says: [redacted]"'],
  ])('%s', async ([, message, expected]) => {
    expect(await written(message)).toBe(expected)
  })

  test.for<[string, string]>([
    ['progress tokens, which are none', '{"_meta":{"progressToken":"abc"},"progressToken":7}'],
    ['error codes', '{"error":{"code":-32603,"message":"no"}}'],
    ['words', '{"text":"the token bucket keeps a secret"}'],
  ])('but it keeps %s', async ([, message]) => {
    expect(await written(message)).toBe(message)
  })
})

async function written(message: string): Promise<string | undefined> {
  const session = nobody()
  const grant = await granted(session, { tokens: { accessToken: 'idp access token 1' } })
  await session.record({ sealedTo: KEY, minutes: 5 }, BY)
  await session.note([entry(grant, { request: message })])
  return (await readRecordingOf(session, KEY)).entries[0]?.request
}

function entry({ grantId, clientId }: Grant, more: Partial<WireEntry> = {}): WireEntry {
  const wire = {
    kind: 'exchange',
    direction: 'to_server',
    era: 'modern',
    requestId: 'r-1',
    verb: 'POST',
    method: 'tools/call',
  } as const
  return { at: Date.now(), grantId, clientId, ...wire, status: 200, ...more }
}

async function countOf(session: Session): Promise<number | undefined> {
  return (await rowsOf(session))['wire']?.length
}
