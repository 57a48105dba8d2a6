// A link to a server with a sign-in of its own outlives the grants it was made for: what is taken back ends it all the same, and gives its tokens back.
import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import type { ActionTarget } from '../../src/session/contract/receipt.ts'
import { eachBeginsAt } from './clock.ts'
import { arrived } from './held.ts'
import { carriedOut, directory, LINK, NOTES, order, waiting } from './orders.ts'
import { at, granted, isLive, nobody, NOW, ordered, redeem, RESOURCE, rowsOf } from './person.ts'

// What is taken back stays so: each test has a time of its own.
let start = NOW

eachBeginsAt(() => (start += 100_000))

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
    const grant = await waiting(session)
    await redeem(session, grant)
    const ended = await session.end({ what: 'everything' }, { actor: 'a test' }, { id: 'cut', grantedUntil: start + 10 })
    expect(ended).toMatchObject({ grants: 1, streams: 0, unanswered: 0 })
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
