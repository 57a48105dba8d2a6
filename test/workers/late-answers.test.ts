// Answers that come after something else has happened: what was asked of a session that is over says nothing about the next one.
import { describe, expect, test } from 'vitest'
import type { Link } from '../../src/session/contract/link-client.ts'
import { arrived, release } from './held.ts'
import { NOTES, signedIn } from './orders.ts'
import { caller, CHALLENGE, granted, isLive, nobody, ordered, presented, REDIRECT_URI, type Session } from './person.ts'

let names = 0
const newName = (): string => `answer-${(names += 1)}`

const tokens = (refreshToken: string) => ({ tokens: { accessToken: 'idp access', refreshToken } })

const link = (refreshToken: string, expiresAt: number): Link => ({
  issuer: 'https://idp.example',
  tokenEndpoint: 'https://idp.example/token',
  client: { id: 'broker', method: 'none' },
  resource: 'http://127.0.0.1:9/notes',
  scopes: [],
  accessToken: `access with ${refreshToken}`,
  expiresAt,
  refreshToken,
})
const now = () => Math.floor(Date.now() / 1000)

/** A grant for the server, with the link its sign-in led to. */
async function linked(session: Session, first: Link) {
  const issued = await signedIn(session)
  await session.link({ resource: NOTES, link: first, signIn: issued, since: now() })
  await session.redeem({ jti: issued.jti, grantId: issued.grantId, redirectUri: REDIRECT_URI, codeChallenge: CHALLENGE })
  return { jti: issued.jti, grantId: issued.grantId, clientId: 'client-a' }
}

describe('the identity provider says late', () => {
  test('that the session before has ended: whoever has signed in anew meanwhile stays', async () => {
    const [session, name] = [nobody(), newName()]
    const before = await granted(session, tokens(`held ${name} ended`))
    const refreshing = session.refresh(presented(before, 1))
    await arrived(name)
    const after = await granted(session, tokens('still good'))
    await release(name)
    expect(await refreshing).toMatchObject({ granted: true })
    expect([await isLive(session, before), await isLive(session, after)]).toEqual([true, true])
    // The new session is asked about by itself, whoever still waits for the old one.
    expect(await session.refresh(presented(after, 1))).toMatchObject({ granted: true })
  })

  test('that it has ended, to a refresh that a revocation overtook: the grant is over, and nothing else', async () => {
    const [session, name] = [nobody(), newName()]
    const before = await granted(session, tokens(`held ${name} ended`))
    const refreshing = session.refresh(presented(before, 1))
    await arrived(name)
    await ordered(session, 'revoke')
    const after = await granted(session, tokens('still good'))
    await release(name)
    expect(await refreshing).toEqual({ granted: false, refusal: 'grant_ended' })
    expect(await isLive(session, after)).toBe(true)
  })

  test('no more than once: a refresh of the new session does not wait for the answer about the old one', async () => {
    const [session, name] = [nobody(), newName()]
    const before = await granted(session, tokens(`held ${name} ended`))
    const refreshing = session.refresh(presented(before, 1))
    await arrived(name)
    const after = await granted(session, tokens('still good'))
    expect(await session.refresh(presented(after, 1))).toMatchObject({ granted: true })
    await release(name)
    await refreshing
    expect(await isLive(session, after)).toBe(true)
  })
})

describe('the authorization server of a server says late', () => {
  test('that a token can not be renewed: a connection that was made anew meanwhile is used', async () => {
    const [session, name] = [nobody(), newName()]
    const grant = await linked(session, link(`held ${name} ended`, now() + 5))
    const admission = session.admit({ ...caller(grant), resource: NOTES })
    await arrived(name)
    await session.link({ resource: NOTES, link: link('new', now() + 3600), since: now() })
    await release(name)
    expect(await admission).toMatchObject({ admitted: true, authorization: 'Bearer access with new' })
    expect(await session.links()).toMatchObject([{ resource: NOTES }])
    expect(await isLive(session, grant)).toBe(true)
  })

  test('that it was renewed, after everything was ended: nothing is kept of it', async () => {
    const [session, name] = [nobody(), newName()]
    const grant = await linked(session, link(`held ${name} fresh`, now() + 5))
    const admission = session.admit({ ...caller(grant), resource: NOTES })
    await arrived(name)
    await ordered(session, 'revoke')
    await release(name)
    expect(await admission).toMatchObject({ admitted: false })
    expect(await session.links()).toEqual([])
  })
})
