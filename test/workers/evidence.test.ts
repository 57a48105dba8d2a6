// The chain of events and receipts: written with what it is about, provable after the oldest is gone, and by whom it was signed.
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { TrustedKeys } from '../../scripts/evidence/trusted-keys.ts'
import { walk } from '../../scripts/evidence/walk.ts'
import type { EvidencePage } from '../../src/directory/evidence-log.ts'
import type { EvidenceEntry } from '../../src/evidence/line.ts'
import { THEMSELVES, type Receipt } from '../../src/session/contract/receipt.ts'
import { at, eachBeginsAt } from './clock.ts'
import { carriedOut, directory as theDirectory, order } from './orders.ts'
import { granted, IDENTITY, nobody, NOW } from './person.ts'

eachBeginsAt(() => NOW)

let names = 0
const fresh = () => env.DIRECTORY.getByName(`evidence ${(names += 1)}`)
type Directory = ReturnType<typeof fresh>
const ALICE = 'a'.repeat(43)
const BOB = 'b'.repeat(43)

function report(sub: string, first: number, count = 1) {
  const person = {
    sub,
    identity: { ...IDENTITY, subject: sub },
    blocked: false,
    liveGrants: 0,
    clientIds: [],
    resources: [],
    links: [],
  }
  const events = Array.from({ length: count }, (_, index) => {
    return { type: 'grant_ended', at: NOW, number: first + index, reason: `event ${first + index}` } as const
  })
  return { person: { ...person, lastSeenAt: NOW, number: first + count - 1 }, events, receipts: [] }
}

function receipt(id: string, by = ALICE): Receipt {
  const people = { total: 1, done: 1, failing: 0 }
  const ended = { grants: 1, streams: 2, unanswered: 1, closing: { firstAt: 1, lastAt: 3, couldActUntil: 2 } }
  const target = { what: 'person', sub: BOB } as const
  return { id, at: NOW, by, why: 'a test', action: 'revoke', target, people, ...ended, acknowledgedAt: NOW, state: 'done' }
}

async function pageOf(directory: Directory, after: number, most?: number, sub?: string): Promise<EvidencePage> {
  return JSON.parse(await directory.evidencePage(after, most, sub))
}

async function everything(directory: Directory): Promise<readonly EvidenceEntry[]> {
  const entries: EvidenceEntry[] = []
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await pageOf(directory, after, 7)
    entries.push(...page.entries)
    after = page.next
  }
  return entries
}

const receiptLine = z.object({
  kind: z.literal('receipt'),
  receipt: z.object({ id: z.string(), state: z.string(), grants: z.int(), closing: z.record(z.string(), z.number()).optional() }),
})

const bodies = (entries: readonly EvidenceEntry[]) => entries.flatMap((entry) => ('number' in entry ? [entry.body] : []))

/** As somebody does who has written down the thumbprint of its key. */
async function proven(directory: Directory) {
  const { statement, keys, number, hash } = await directory.evidenceHead()
  const entries = await everything(directory)
  const trusted = await TrustedKeys.of({ jwks: keys.map(({ jwk }) => ({ kty: 'EC', ...jwk })) })
  expect(await trusted.head(statement)).toMatchObject({ iss: 'http://localhost:8788', number, hash })
  const walked = await walk(entries, trusted, { issuer: 'http://localhost:8788', pinned: [{ number, hash }] })
  expect(walked.hash).toBe(hash)
  return { entries, walked }
}

describe('the evidence', () => {
  test('begins with what was there before, and has a line for each event and receipt, in the order they came', async () => {
    const directory = fresh()
    await directory.record(report(BOB, 1, 2))
    await directory.keepReceipt(receipt('one'))
    await directory.record(report(BOB, 1, 3))
    await directory.keepReceipt(receipt('one'))
    const { entries } = await proven(directory)
    expect(bodies(entries)).toMatchObject([
      { kind: 'begin', before: { events: 0, receipts: 0 } },
      { kind: 'event', event: { number: 1, type: 'grant_ended', sub: BOB, reason: 'event 1' } },
      { kind: 'event', event: { number: 2, reason: 'event 2' } },
      { kind: 'receipt', receipt: receipt('one') },
      { kind: 'event', event: { reason: 'event 3' } },
      { kind: 'key' },
    ])
  })

  test('goes on after a restart, and says at its beginning how much it does not prove', async () => {
    const directory = fresh()
    await directory.record(report(BOB, 1, 2))
    await evictDurableObject(directory)
    await directory.record(report(BOB, 3))
    expect((await proven(directory)).walked).toMatchObject({ lines: 5, hidden: 0 })
    await runInDurableObject(directory, (_, { storage }) => void storage.sql.exec('DELETE FROM evidence'))
    await evictDurableObject(directory)
    const [first] = bodies((await proven(directory)).entries)
    expect(first).toMatchObject({ kind: 'begin', before: { events: 3, receipts: 0 } })
  })

  test.for<[string, string, string]>([
    ['a line is removed', 'DELETE FROM evidence WHERE number = 3', 'line 3 is missing'],
    [
      'a line is changed',
      `UPDATE evidence SET body = replace(body, 'event 2', 'event x') WHERE number = 3`,
      'line 3 was changed',
    ],
    ['the newest lines are removed', 'DELETE FROM evidence WHERE number >= 4', 'line 5 was pinned'],
    [
      'two lines change places',
      'UPDATE evidence SET number = -number WHERE number IN (2, 3); UPDATE evidence SET number = 5 + number WHERE number < 0',
      'line 2 does not follow the one before',
    ],
  ])('shows to whoever has its head that %s in storage', async ([, sql, message]) => {
    const directory = fresh()
    await directory.record(report(BOB, 1, 3))
    const { number, hash, keys } = await directory.evidenceHead()
    await runInDurableObject(directory, (_, { storage }) => void storage.sql.exec(sql))
    const trusted = await TrustedKeys.of({ jwks: keys.map(({ jwk }) => ({ kty: 'EC', ...jwk })) })
    const entries = await everything(directory)
    const lines = entries.filter((entry) => !('number' in entry) || entry.number < 5)
    await expect(walk(lines, trusted, { pinned: [{ number, hash }] })).rejects.toThrow(message)
  })

  test('shows of other people nothing but what hides them, and is whole all the same', async () => {
    const directory = fresh()
    await directory.record(report(ALICE, 1))
    await directory.record(report(BOB, 1))
    await directory.keepReceipt(receipt('of bob'))
    const { entries } = await pageOf(directory, 0, 1_000, ALICE)
    expect(bodies(entries).map((body) => body?.kind)).toEqual(['begin', 'event', undefined, undefined])
    expect(JSON.stringify(entries)).not.toContain(BOB)
    await expect(walk(entries, await TrustedKeys.of({}))).resolves.toMatchObject({ lines: 4, hidden: 2 })
  })

  test('has a later line where a receipt of many people becomes final, and never changes one', async () => {
    const session = nobody()
    await granted(session)
    await runDurableObjectAlarm(session)
    const asked = order({ what: 'everyone' })
    await carriedOut(asked)
    const { entries } = await proven(theDirectory())
    const states = bodies(entries).flatMap((body) => {
      const said = receiptLine.safeParse(body).data?.receipt
      return said?.id === asked.id ? [said] : []
    })
    expect(states.map(({ state, grants }) => [state, grants])).toEqual([
      ['running', 0],
      ['done', 1],
    ])
    expect(states[1]?.closing?.['firstAt']).toBeGreaterThanOrEqual(NOW * 1000)
    expect(states[1]?.closing).not.toHaveProperty('couldActUntil')
  })
})

/** As many of one person as push out their own oldest. */
async function trimmed(): Promise<Directory> {
  const directory = fresh()
  await directory.record(report(ALICE, 1))
  for (let first = 1; first <= 2_100; first += 300) await directory.record(report(BOB, first, 300))
  return directory
}

describe('what is kept no more', () => {
  test(
    'is stood for by a signature on the hash of its last line, and all that is left stays provable',
    { timeout: 60_000 },
    async () => {
      const directory = await trimmed()
      // Before the job has come by it is digests alone.
      expect((await proven(directory)).walked).toMatchObject({ gone: 0, hidden: 100 })
      at(NOW + 60)
      await runDurableObjectAlarm(directory)
      const { walked, entries } = await proven(directory)
      expect(walked).toMatchObject({ gone: 100, hidden: 0 })
      const gaps = entries.filter((entry) => 'first' in entry)
      expect(gaps).toMatchObject([{ first: 3, last: 102 }])
      expect(decodeProtectedHeader(gaps[0]?.statement ?? '')).toMatchObject({ typ: 'mcp-evidence-gap+jws', alg: 'ES256' })
      // What is right behind it joins it.
      await directory.record(report(BOB, 2_101, 100))
      at(NOW + 120)
      await runDurableObjectAlarm(directory)
      const later = await proven(directory)
      expect(later.entries.filter((entry) => 'first' in entry)).toMatchObject([{ first: 3, last: 202 }])
      const bodyOf = (number: number) => bodies(later.entries.filter((entry) => 'number' in entry && entry.number === number))[0]
      expect(bodyOf(2)).toMatchObject({ event: { sub: ALICE } })
      // A cursor that has come to the middle of it is not lost.
      expect((await pageOf(directory, 50, 2)).entries).toMatchObject([{ first: 3, last: 202 }, { number: 203 }])
    },
  )
})

describe('a signed receipt', () => {
  test('says what the receipt says, which line it is, and is of a type of its own', async () => {
    const directory = fresh()
    await directory.keepReceipt(receipt('one'))
    await directory.keepReceipt(receipt('two', THEMSELVES))
    const signed = await directory.signedReceipt('one')
    const [, line] = await everything(directory)
    expect(decodeProtectedHeader(signed?.receipt ?? '')).toMatchObject({ typ: 'mcp-receipt+jws', kid: signed?.keys[0]?.kid })
    const { iss, jti, sub, aud, exp, ...claims } = decodeJwt(signed?.receipt ?? '')
    expect({ iss, jti, sub, aud, exp }).toEqual({
      iss: 'http://localhost:8788',
      jti: 'one',
      sub: undefined,
      aud: undefined,
      exp: undefined,
    })
    expect(claims).toMatchObject({
      receipt: receipt('one'),
      line: line && 'number' in line && { number: 2, digest: line.digest, hash: line.hash },
    })
    expect(await directory.signedReceipt('nobody')).toBeUndefined()
  })

  test('attack 126: says what its line says, whatever somebody has written into the table of receipts', async () => {
    const directory = fresh()
    await directory.keepReceipt(receipt('one'))
    const sql = "UPDATE receipts SET reason = 'never happened', grants = 99"
    await runInDurableObject(directory, (_, { storage }) => void storage.sql.exec(sql))
    const signed = await directory.signedReceipt('one')
    expect(decodeJwt(signed?.receipt ?? '')).toMatchObject({ receipt: receipt('one') })
  })

  test('that is older than the chain names no line: nothing proves what it said before it was signed', async () => {
    const directory = fresh()
    await directory.keepReceipt(receipt('old'))
    await runInDurableObject(directory, (_, { storage }) => void storage.sql.exec('DELETE FROM evidence'))
    await evictDurableObject(directory)
    const signed = await directory.signedReceipt('old')
    expect(decodeJwt(signed?.receipt ?? '')).not.toHaveProperty('line')
  })
})
