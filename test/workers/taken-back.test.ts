// What was taken back from everybody, or from all who use a client or a server, holds for people of whom the Directory's index knows nothing.
import { describe, expect, test } from 'vitest'
import type { ActionTarget } from '../../src/session/contract/receipt.ts'
import { eachBeginsAt } from './clock.ts'
import { carriedOut, directory, LINK, NOTES, order, waiting } from './orders.ts'
import { UNSAID } from '../../src/clients/client-record.ts'
import {
  at,
  granted,
  IDENTITY,
  isLive,
  nobody,
  NOW,
  ordered,
  presented,
  redeem,
  REDIRECT_URI,
  RESOURCE,
  rowsOf,
  signIn,
  type Session,
} from './person.ts'

// What is taken back stays so: each test has a time of its own.
let start = NOW

eachBeginsAt(() => (start += 100_000))

const registered = (id: string) => {
  const client = { name: 'App', redirectUris: [REDIRECT_URI], authMethod: 'none', grantTypes: ['authorization_code'] } as const
  return directory().register({ id, ...client, ...UNSAID, registeredAt: start }, id)
}

async function exchange(session: Session, issuedAt: number, clientId = 'build') {
  const statement = { identity: IDENTITY, saysGroups: true, issuedAt, expiresAt: issuedAt + 3_600 }
  const grant = { clientId, clientName: 'Build', resource: RESOURCE, scopes: ['mcp'] }
  const outcome = await session.exchange({ statement, grant, lifetime: 900 })
  return outcome.granted ? 'granted' : outcome.refusal
}

const TAKEN: [string, () => Promise<unknown>][] = [
  ['everybody was disconnected', async () => directory().begin(order({ what: 'everyone' }))],
  ['all who use the client were', async () => directory().begin(order({ what: 'client', id: 'client-a' }))],
  ['all who use the server were', async () => directory().begin(order({ what: 'resource', id: RESOURCE }))],
  [
    'the client was blocked',
    async () => {
      await registered('client-a')
      await directory().blockClient(order({ what: 'client', id: 'client-a' }, 'block'))
      await directory().unblockClient(order({ what: 'client', id: 'client-a' }, 'block'))
    },
  ],
]

describe('a code that waits while', () => {
  test.for(TAKEN)('%s opens nothing, however much later it comes', async ([, takeBack]) => {
    const session = nobody()
    const grant = await signIn(session)
    at(start + 10)
    await takeBack()
    at(start + 250)
    expect(await redeem(session, grant)).toEqual({ granted: false, refusal: 'grant_ended' })
    expect(await session.refresh(presented(grant, 1))).toEqual({ granted: false, refusal: 'grant_ended' })
    expect(await isLive(session, grant)).toBe(false)
    // Whoever signs in again does so after it.
    expect(await redeem(session, await signIn(session))).toMatchObject({ granted: true })
  })

  test('another client, another server and another person were disconnected opens what it is for', async () => {
    const session = nobody()
    const grant = await signIn(session)
    at(start + 10)
    await directory().begin(order({ what: 'client', id: 'client-b' }))
    await directory().begin(order({ what: 'resource', id: NOTES }))
    await ordered(nobody(), 'block')
    expect(await redeem(session, grant)).toMatchObject({ granted: true })
  })
})

test('a client that is blocked gets nothing for the code of somebody who signed in after that', async () => {
  await registered('blocked')
  await directory().blockClient(order({ what: 'client', id: 'blocked' }, 'block'))
  at(start + 10)
  const session = nobody()
  expect(await redeem(session, await signIn(session, { clientId: 'blocked' }))).toMatchObject({ refusal: 'grant_ended' })
  expect(await exchange(session, start + 10, 'blocked')).toBe('client_blocked')
})

test('a client that is unblocked in the second it was blocked in can be connected as soon as that is answered', async () => {
  await registered('briefly')
  const session = nobody()
  const before = await signIn(session, { clientId: 'briefly' })
  const target = { what: 'client', id: 'briefly' } as const
  await directory().blockClient(order(target, 'block'))
  at(start + 0.5)
  const asked = performance.now()
  await directory().unblockClient(order(target, 'unblock'))
  // It answers when that second is over: what was begun in it counts as before.
  expect(performance.now() - asked).toBeGreaterThan(450)
  at(start + 1)
  expect(await redeem(session, await signIn(session, { clientId: 'briefly' }))).toMatchObject({ granted: true })
  expect(await redeem(session, before)).toMatchObject({ refusal: 'grant_ended' })
})

test('temporary credentials of /.sts are blocked like those of a client, by the id sts, and listed once they were', async () => {
  expect(await directory().blockClient(order({ what: 'client', id: 'sts' }, 'block'))).toBeDefined()
  expect(await exchange(nobody(), start + 10, 'sts')).toBe('client_blocked')
  const listed = { id: 'sts', name: 'Temporary credentials', knownBy: 'sts', isBlocked: true }
  expect((await directory().clients('tempo', undefined)).clients).toMatchObject([listed])
  expect(await directory().listedClient('sts')).toMatchObject(listed)
  // It is no client anybody could connect.
  expect(await directory().client('sts')).toBeUndefined()
  expect(await directory().unblockClient(order({ what: 'client', id: 'sts' }, 'block'))).toBeDefined()
})

test('what is taken back after a code was allowed and before the index knows comes to the person, and the receipt waits for it', async () => {
  const session = nobody()
  const grant = await granted(session)
  await carriedOut(order({ what: 'everyone' }))
  expect(await isLive(session, grant)).toBe(false)
  expect(await session.refresh(presented(grant, 1))).toEqual({ granted: false, refusal: 'grant_ended' })
})

describe('a person who is at the sign-in of a server', () => {
  test.for([
    ...TAKEN.filter(([what]) => !what.includes('server')),
    ['all who use this server were', async () => directory().begin(order({ what: 'resource', id: NOTES }))] as const,
  ])('when %s comes back to nothing after 310 seconds', async ([, takeBack]) => {
    const session = nobody()
    const grant = await waiting(session)
    at(start + 5)
    await takeBack()
    at(start + 310)
    expect(await session.link({ resource: NOTES, link: LINK, signIn: grant, since: start })).toBeUndefined()
    expect(await redeem(session, grant)).toMatchObject({ granted: false })
    expect(await session.links()).toEqual([])
    expect((await rowsOf(session))['links']).toEqual([])
  })

  test('and has signed in anew in the very second in which everything of theirs was ended is connected', async () => {
    const session = nobody()
    await granted(session)
    await ordered(session, 'revoke')
    const grant = await waiting(session)
    expect(await session.link({ resource: NOTES, link: LINK, signIn: grant, since: start })).toMatchObject({
      codeExpiresAt: expect.any(Number),
    })
    expect(await redeem(session, grant)).toMatchObject({ granted: true })
  })

  test.for<[string, (session: Session) => Promise<unknown>]>([
    ['everybody was disconnected', async () => directory().begin(order({ what: 'everyone' }))],
    ['all who use the server were', async () => directory().begin(order({ what: 'resource', id: NOTES }))],
    ['they were', async (session) => ordered(session, 'revoke')],
    ['they were blocked', async (session) => ordered(session, 'block')],
  ])('by their own page when %s is not connected; who goes there again is', async ([, takeBack]) => {
    const session = nobody()
    await granted(session)
    at(start + 5)
    await takeBack(session)
    at(start + 60)
    expect(await session.link({ resource: NOTES, link: LINK, since: start })).toBeUndefined()
    expect(await session.links()).toEqual([])
    await ordered(session, 'unblock')
    expect(await session.link({ resource: NOTES, link: LINK, since: start + 50 })).toMatchObject({
      codeExpiresAt: expect.any(Number),
    })
  })
})

describe('a token of another issuer that was signed before', () => {
  test.for<[string, ActionTarget]>([
    ['everybody was disconnected', { what: 'everyone' }],
    ['all who use the client were', { what: 'client', id: 'build' }],
    ['all who use the server were', { what: 'resource', id: RESOURCE }],
  ])('%s opens nothing, though nobody has heard of the person', async ([, target]) => {
    await directory().begin(order(target))
    at(start + 30)
    expect(await exchange(nobody(), start - 5)).toBe('revoked')
    // A clock that is ahead: it was signed before all the same.
    expect(await exchange(nobody(), start + 50)).toBe('revoked')
    at(start + 61)
    expect(await exchange(nobody(), start + 61)).toBe('granted')
  })

  test.for<[string, ActionTarget]>([
    ['everything of the person was ended', { what: 'person' }],
    ['the client was ended', { what: 'client', id: 'build' }],
    ['the server was ended', { what: 'resource', id: RESOURCE }],
  ])('%s opens nothing, though they had nothing open', async ([, target]) => {
    const session = nobody()
    await ordered(session, 'revoke', target)
    at(start + 30)
    expect(await exchange(session, start - 5)).toBe('revoked')
    at(start + 61)
    expect(await exchange(session, start + 61)).toBe('granted')
  })
})
