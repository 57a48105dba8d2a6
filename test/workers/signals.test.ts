// What identity systems say is carried out once, answered when it is over, insisted on, and proved by a receipt that names it.
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { personName } from '../../src/caller.ts'
import { eachBeginsAt } from './clock.ts'
import { anew, at, CHALLENGE, isLive, NOW, ordered, REDIRECT_URI, RESOURCE } from './person.ts'
import { directory } from './orders.ts'
import { signal } from './told.ts'

eachBeginsAt(() => NOW)

const ISSUER = 'https://idp.example'
let people = 0

/** Signed in with the identity provider, in an object of the name people have. */
async function somebody({ email = '', sid = '', refreshToken = '' } = {}) {
  const subject = `told-${(people += 1)}`
  const sub = await personName({ issuer: ISSUER, subject })
  const session = env.USER_SESSION.getByName(sub)
  const identity = { issuer: ISSUER, subject, groups: [], ...(email !== '' && { email }) }
  const idToken = `e30.${btoa(JSON.stringify(sid === '' ? {} : { sid })).replaceAll('=', '')}.`
  const signIn = async (clientId: string) => {
    const issued = await session.signIn({
      identity,
      tokens: { accessToken: 'idp access', idToken, ...(refreshToken !== '' && { refreshToken }) },
      grant: { clientId, clientName: clientId, resource: RESOURCE, scopes: ['mcp'] },
      redirectUri: REDIRECT_URI,
      codeChallenge: CHALLENGE,
    })
    if (typeof issued === 'string') return issued
    const { jti, grantId } = issued
    await session.redeem({ jti, grantId, redirectUri: REDIRECT_URI, codeChallenge: CHALLENGE })
    return { jti, grantId, clientId }
  }
  const grant = await signIn('client-a')
  if (typeof grant === 'string') throw new Error(grant)
  // The outbox tells the index who this is.
  await runDurableObjectAlarm(session)
  const names = { what: 'person', issuer: ISSUER, subject } as const
  return { sub, session, grant, identity, names, signIn }
}

const receiptIn = async (told: ReturnType<typeof signal>) => {
  const taken = await directory().signal(told)
  if (taken.outcome !== 'done') throw new Error(taken.outcome)
  const [receipt] = taken.receipts
  if (!receipt) throw new Error('no receipt')
  return receipt
}

describe('a signal that a person’s access is over', () => {
  test('ends it, leaves a receipt that names it with both times, and an event', async () => {
    const { sub, session, grant, names } = await somebody()
    const told = signal({ names, txn: 'txn-1', receivedAt: NOW * 1000 - 250 })
    const receipt = await receiptIn(told)
    expect(await isLive(session, grant)).toBe(false)
    expect(receipt).toMatchObject({
      by: `signal:${ISSUER}`,
      byName: 'Example',
      action: 'revoke',
      target: { what: 'person', sub },
      grants: 1,
      state: 'done',
      signal: {
        door: 'shared-signals',
        issuer: ISSUER,
        jti: told.jti,
        event: 'session-revoked',
        txn: 'txn-1',
        receivedAt: NOW * 1000 - 250,
      },
    })
    expect(receipt.signal?.silentAt).toBeGreaterThanOrEqual(NOW * 1000)
    expect((await directory().receipt(receipt.id))?.receipt).toEqual(receipt)
    await runDurableObjectAlarm(session)
    const events = await directory().securityEvents({ sub })
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['person_ended', 'signal_received']))
    const noted = events.find(({ type }) => type === 'signal_received')
    expect(noted).toMatchObject({ actor: `signal:${ISSUER}` })
    expect(noted?.reason).toContain(`session-revoked, ${told.jti}`)
    expect(await directory().lastSignals()).toContainEqual(
      expect.objectContaining({ provider: 'oauth', door: 'shared-signals', jti: told.jti, at: NOW }),
    )
  })

  test('counts once: replayed after the person has come back it does nothing, also when the Directory has started anew', async () => {
    const { session, names, signIn } = await somebody()
    const told = signal({ names })
    await receiptIn(told)
    const again = await signIn('client-a')
    if (typeof again === 'string') throw new Error(again)
    expect(await directory().signal(told)).toEqual({ outcome: 'reused' })
    await evictDurableObject(directory())
    expect(await directory().signal(told)).toEqual({ outcome: 'reused' })
    // The id of one sender is not that of another.
    expect(await isLive(session, again)).toBe(true)
    expect(await directory().signal({ ...told, issuer: 'https://other.example' })).toMatchObject({ outcome: 'done' })
  })

  test('about nobody who was ever here is answered so, and leaves nobody behind', async () => {
    const names = { what: 'person', issuer: ISSUER, subject: 'never here' } as const
    expect(await directory().signal(signal({ names }))).toEqual({ outcome: 'unknown' })
    const session = env.USER_SESSION.getByName(await personName(names))
    expect(await session.describe()).toBeUndefined()
  })

  test('names everybody whom its issuer knows by a verified address, and nobody of another issuer', async () => {
    const email = 'dora@example.com'
    const [one, other] = [await somebody({ email }), await somebody({ email })]
    const foreign = signal({ names: { what: 'email', issuer: 'https://other.example', email } })
    expect(await directory().signal(foreign)).toEqual({ outcome: 'unknown' })
    expect(await isLive(one.session, one.grant)).toBe(true)
    const taken = await directory().signal(signal({ names: { what: 'email', issuer: ISSUER, email: 'Dora@Example.com' } }))
    expect(taken).toMatchObject({ outcome: 'done', receipts: [{ grants: 1 }, { grants: 1 }] })
    for (const { session, grant } of [one, other]) expect(await isLive(session, grant)).toBe(false)
  })

  test('that names one session at the provider ends what began there, and leaves the rest', async () => {
    const first = await somebody({ sid: 'sid-a' })
    const { session, identity } = first
    const issued = await session.signIn({
      identity,
      tokens: { accessToken: 'other', idToken: `e30.${btoa('{"sid":"sid-b"}').replaceAll('=', '')}.` },
      grant: { clientId: 'client-b', clientName: 'B', resource: RESOURCE, scopes: ['mcp'] },
      redirectUri: REDIRECT_URI,
      codeChallenge: CHALLENGE,
    })
    if (typeof issued === 'string') throw new Error(issued)
    const names = { what: 'session', issuer: ISSUER, session: 'sid-a' } as const
    expect(await receiptIn(signal({ names, effect: 'end_session' }))).toMatchObject({
      grants: 1,
      target: { what: 'provider_session', id: 'sid-a' },
    })
    expect(await isLive(session, first.grant)).toBe(false)
    expect(await isLive(session, { ...issued, clientId: 'client-b' })).toBe(true)
  })
})

describe('a block by a signal', () => {
  test('ends everything, and refuses the sign-in of somebody who was never here', async () => {
    const names = { what: 'person', issuer: ISSUER, subject: 'leaver' } as const
    expect(await receiptIn(signal({ names, effect: 'block' }))).toMatchObject({ action: 'block', grants: 0 })
    const session = env.USER_SESSION.getByName(await personName(names))
    await evictDurableObject(session)
    const refused = await anew(session).signIn({
      identity: { issuer: ISSUER, subject: 'leaver', groups: [] },
      tokens: { accessToken: 'idp access' },
      grant: { clientId: 'client-a', clientName: 'A', resource: RESOURCE, scopes: ['mcp'] },
      redirectUri: REDIRECT_URI,
      codeChallenge: CHALLENGE,
    })
    expect(refused).toBe('blocked')
  })

  test('is taken back by a signal, an administrator’s is not', async () => {
    const { session, names, signIn } = await somebody()
    await directory().signal(signal({ names, effect: 'block' }))
    expect(await signIn('client-a')).toBe('blocked')
    await directory().signal(signal({ names, effect: 'unblock' }))
    expect(await signIn('client-a')).not.toBe('blocked')
    await ordered(session, 'block')
    await directory().signal(signal({ names, effect: 'block' }))
    await directory().signal(signal({ names, effect: 'unblock' }))
    await evictDurableObject(session)
    expect((await anew(session).describe())?.blocked).toBe(true)
    // Whoever is an administrator decides.
    await ordered(anew(session), 'unblock')
    expect((await anew(session).describe())?.blocked).toBe(false)
  })
})

describe('a signal to ask the identity provider', () => {
  test.for([
    ['ends a session it has ended', 'ended', 'done', false],
    ['leaves one that goes on', 'goes on', 'done', true],
    ['ends one it can not be asked about', '', 'done', false],
    ['is insisted on while it does not answer', 'down', 'unfinished', true],
  ] as const)('%s', async ([, refreshToken, outcome, lives]) => {
    const { session, grant, names } = await somebody({ refreshToken })
    expect(await directory().signal(signal({ names, effect: 'recheck' }))).toMatchObject({ outcome })
    expect(await isLive(session, grant)).toBe(lives)
  })
})

test('whoever does not answer is asked again until they do, also after a crash of the Directory', async () => {
  const { session, grant, names } = await somebody()
  const broken = 'ALTER TABLE grants RENAME TO grants_away'
  await runInDurableObject(session, (_, { storage }) => void storage.sql.exec(broken))
  const told = signal({ names, until: NOW + 86_400 })
  expect(await directory().signal(told)).toEqual({ outcome: 'unfinished' })
  // The sender comes again, before it was done.
  expect(await directory().signal(told)).toEqual({ outcome: 'unfinished' })
  await abortAllDurableObjects()
  await runInDurableObject(
    anew(session),
    (_, { storage }) => void storage.sql.exec('DROP TABLE IF EXISTS grants; ALTER TABLE grants_away RENAME TO grants'),
  )
  await evictDurableObject(anew(session))
  at(NOW + 400)
  await directory().counts()
  for (let alarms = 0; alarms < 20 && (await isLive(anew(session), grant)); alarms += 1) await runDurableObjectAlarm(directory())
  expect(await isLive(anew(session), grant)).toBe(false)
  expect(await directory().signal(told)).toEqual({ outcome: 'reused' })
})
