// What was taken back from everybody, or from all who use a client or a server, holds for people of whom the Directory's index knows nothing.
import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Link } from '../../src/session/link-client.ts'
import type { ActionTarget, Order } from '../../src/session/receipt.ts'
import { EVERYONE } from './crowd.ts'
import { arrived } from './held.ts'
import {
  at,
  CHALLENGE,
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

const NOTES = 'http://localhost:8788/servers/notes/mcp'
const LINK: Link = {
  issuer: 'https://idp.example',
  tokenEndpoint: 'https://idp.example/token',
  client: { id: 'broker', method: 'none' },
  resource: 'http://127.0.0.1:9/notes',
  scopes: [],
  accessToken: 'at the server',
}

// What is taken back stays so: each test has a time of its own.
let start = NOW

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  at((start += 100_000))
})
afterEach(() => {
  vi.useRealTimers()
})

/** The one everybody's object asks. */
const directory = () => env.DIRECTORY.getByName('directory')

let orders = 0
const order = (target: ActionTarget, action: 'revoke' | 'block' = 'revoke'): Order => ({
  ...EVERYONE,
  id: `taken back ${(orders += 1)}`,
  at: Math.floor(Date.now() / 1000),
  action,
  target,
})

const registered = (id: string) => {
  const client = { name: 'App', redirectUris: [REDIRECT_URI], authMethod: 'none', grantTypes: ['authorization_code'] } as const
  const missing = { uri: undefined, applicationType: undefined, softwareId: undefined, softwareVersion: undefined }
  return directory().register({ id, ...client, ...missing, registeredAt: start }, id)
}

async function exchange(session: Session, issuedAt: number, clientId = 'build') {
  const statement = { identity: IDENTITY, saysGroups: true, issuedAt, expiresAt: issuedAt + 3_600 }
  const grant = { clientId, clientName: 'Build', resource: RESOURCE, scopes: ['mcp'] }
  const outcome = await session.exchange({ statement, grant, lifetime: 900 })
  return outcome.granted ? 'granted' : outcome.refusal
}

/** An action on many people, until all have answered. */
async function carriedOut(asked: Order): Promise<void> {
  const begun = await directory().begin(asked)
  expect(begun.state).toBe('running')
  for (let alarms = 0; alarms < 50; alarms += 1) {
    const { receipt } = (await directory().receipt(asked.id)) ?? {}
    if (receipt?.state === 'done') break
    await runDurableObjectAlarm(directory())
  }
  expect((await directory().receipt(asked.id))?.receipt.state).toBe('done')
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

test('temporary credentials of /.sts are blocked like those of a client, by the id sts', async () => {
  expect(await directory().blockClient(order({ what: 'client', id: 'sts' }, 'block'))).toBeDefined()
  expect(await exchange(nobody(), start + 10, 'sts')).toBe('client_blocked')
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

/** Signed in, and sent on to the sign-in of the server. */
const waiting = async (session: Session) => {
  const issued = await session.signIn({
    identity: IDENTITY,
    tokens: { accessToken: 'idp access' },
    grant: { clientId: 'client-a', clientName: 'Client', resource: NOTES, scopes: ['mcp'] },
    redirectUri: REDIRECT_URI,
    codeChallenge: CHALLENGE,
  })
  if (typeof issued === 'string') throw new Error(issued)
  return { jti: issued.jti, grantId: issued.grantId, clientId: 'client-a' }
}

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

describe('a link to a server of somebody with no client connected', () => {
  let links = 0

  /** A grant for the server that has ended, and the link it was made for, which has not. */
  async function linkedOnly() {
    const [session, name] = [nobody(), `given-back-${(links += 1)}`]
    const grant = await waiting(session)
    const link = { ...LINK, revocationEndpoint: 'https://idp.example/revoke', accessToken: name }
    await session.link({ resource: NOTES, link, signIn: grant, since: start })
    await redeem(session, grant)
    await session.revokeGrant(grant.grantId, 'client_revoked')
    await runDurableObjectAlarm(session)
    expect(await session.links()).toHaveLength(1)
    return { session, name }
  }

  test.for<[string, ActionTarget]>([
    ['everybody was disconnected', { what: 'everyone' }],
    ['all who use the server were', { what: 'resource', id: NOTES }],
  ])('is over when %s, and its tokens are given back', async ([, target]) => {
    const { session, name } = await linkedOnly()
    expect(await directory().usersOf(NOTES)).toBeGreaterThan(0)
    at(start + 10)
    await carriedOut(order(target))
    await arrived(name)
    expect(await session.links()).toEqual([])
    expect((await rowsOf(session))['links']).toEqual([])
    await runDurableObjectAlarm(session)
    expect(await directory().usersOf(NOTES)).toBe(0)
  })

  test('is over when they alone were disconnected from the server', async () => {
    const { session, name } = await linkedOnly()
    await ordered(session, 'revoke', { what: 'resource', id: NOTES })
    await arrived(name)
    expect(await session.links()).toEqual([])
  })

  test('stays when another server, a client, or what came before it was meant', async () => {
    const { session } = await linkedOnly()
    await session.end({ what: 'resource', id: RESOURCE }, { actor: 'a test' }, { id: 'elsewhere', grantedUntil: start + 10 })
    await session.end({ what: 'client', id: 'client-a' }, { actor: 'a test' }, { id: 'client' })
    await session.end({ what: 'everything' }, { actor: 'a test' }, { id: 'before', grantedUntil: start - 1 })
    expect(await session.links()).toHaveLength(1)
  })

  test('takes a connection with it that was made over it since: it has nothing to go on with', async () => {
    const { session } = await linkedOnly()
    at(start + 20)
    const young = await session.signIn({
      identity: IDENTITY,
      tokens: { accessToken: 'idp access' },
      grant: { clientId: 'client-a', clientName: 'Client', resource: NOTES, scopes: ['mcp'] },
      redirectUri: REDIRECT_URI,
      codeChallenge: CHALLENGE,
    })
    if (typeof young === 'string') throw new Error(young)
    const grant = { jti: young.jti, grantId: young.grantId, clientId: 'client-a' }
    await redeem(session, grant)
    const ended = await session.end({ what: 'everything' }, { actor: 'a test' }, { id: 'cut', grantedUntil: start + 10 })
    expect(ended).toEqual({ grants: 1, streams: 0 })
    expect([await isLive(session, grant), await session.links()]).toEqual([false, []])
  })

  test('made on their own page is found, though no client was ever connected to the server', async () => {
    const session = nobody()
    await granted(session)
    await session.link({ resource: NOTES, link: LINK, since: start })
    await runDurableObjectAlarm(session)
    at(start + 10)
    await carriedOut(order({ what: 'resource', id: NOTES }))
    expect(await session.links()).toEqual([])
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
