// Back-channel logout with a real provider: who signs out there has nothing left here, and nobody else can say so.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { decodeJwt, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { Browser } from '../world/browser.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { PEOPLE } from '../world/people.ts'
import { startWorld } from '../world/world.ts'

const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} }

const strangersKey = generateKeyPair('RS256')

const the = fixture(async (closing, onEnd) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'broker-logout-'))
  onEnd(() => rm(dataDir, { recursive: true, force: true }))
  const world = await closing(startWorld({ dataDir }))
  return { world, dataDir }
})

test('a person who signs out at the identity provider loses every client and every stream', async () => {
  const browser = new Browser()
  const first = await BrokerClient.register(the.world.brokerUrl)
  const second = await BrokerClient.register(the.world.brokerUrl)
  const one = await first.signIn('alice', { browser })
  const other = await second.signIn('alice', { browser })
  const bob = await first.signIn('bob')
  const stream = await countForLong(the.world.mcpUrl, one.accessToken)

  const [form] = (await browser.get(`${the.world.idp.issuer}/session/end`)).forms
  if (!form) throw new Error('the provider does not ask whether to sign out')
  await browser.submit(form, { logout: 'yes' })

  // The provider has waited for our answer before it answered: by then it is done.
  expect(await stream.endsWithin(1_000)).toBe(true)
  expect(stream.text).toContain('closed: credential_revoked')
  expect(await statusWith(the.world.mcpUrl, one.accessToken)).toBe(401)
  expect(await statusWith(the.world.mcpUrl, other.accessToken)).toBe(401)
  expect((await second.refresh(other.refreshToken)).status).toBe(400)
  expect(await statusWith(the.world.mcpUrl, bob.accessToken)).toBe(200)
  expect(the.world.logs.some(({ message }) => message.includes('sign_out.told'))).toBe(true)
})

test('a token that names the session alone finds the person who has it', async () => {
  const client = await BrokerClient.register(the.world.brokerUrl)
  const { accessToken } = await client.signIn('alice')
  const sid = latestSession()
  // The index is fed by the person's outbox, a moment after the sign-in.
  await vi.waitUntil(async () => {
    expect(await told(await signed({ sid, sub: undefined }))).toMatchObject({ status: 200 })
    return (await statusWith(the.world.mcpUrl, accessToken)) === 401
  }, 5_000)
})

test('answers are empty and kept by nobody; a refusal says why', async () => {
  const good = await told(await signed({ sub: 'nobody-here' }))
  expect(good).toMatchObject({ status: 200, text: '', cacheControl: 'no-store' })
  const bad = await told('not.a.token')
  expect(bad).toMatchObject({ status: 400, cacheControl: 'no-store' })
  expect(JSON.parse(bad.text)).toMatchObject({ error: 'invalid_request', request_id: expect.any(String) })
})

describe('a logout token is refused, and nothing ends, when', () => {
  test.for<[string, () => Promise<string>]>([
    ['its signature is another’s', forged],
    ['it is not signed', async () => unsigned(await signed())],
    ['it is from another issuer', () => signed({ iss: 'https://idp.example' })],
    ['it is for another client', () => signed({ aud: 'somebody-else' })],
    ['it was issued an hour ago', () => signed({ iat: now() - 3_600 })],
    ['it was issued in the future', () => signed({ iat: now() + 600, exp: now() + 1_200 })],
    ['it does not say when it was issued', () => signed({ iat: undefined })],
    ['it has expired', () => signed({ exp: now() - 120 })],
    ['it never expires', () => signed({ exp: undefined })],
    ['it has no id', () => signed({ jti: undefined })],
    ['it names neither person nor session', () => signed({ sub: undefined })],
    ['it says nothing of a logout', () => signed({ events: undefined })],
    ['it tells another event', () => signed({ events: { 'https://example.com/event': {} } })],
    ['it has a nonce, as ID tokens have', () => signed({ nonce: 'n' })],
  ])('%s', async ([, token]) => {
    const client = await BrokerClient.register(the.world.brokerUrl)
    const { accessToken } = await client.signIn('carol')
    expect(await told(await token())).toMatchObject({ status: 400, cacheControl: 'no-store' })
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
  })

  test('it was used before', async () => {
    const client = await BrokerClient.register(the.world.brokerUrl)
    await client.signIn('carol')
    const token = await signed()
    expect(await told(token)).toMatchObject({ status: 200 })
    const again = await client.signIn('carol')
    expect(await told(token)).toMatchObject({ status: 400 })
    expect(await statusWith(the.world.mcpUrl, again.accessToken)).toBe(200)
  })
})

test('24. a flood of forged logout tokens fetches the keys once in thirty seconds, and wakes no object', async () => {
  await the.world.restartRuntime()
  the.world.idp.control.forgetCalls()
  const before = await wakingsAtRest()
  await Promise.all(Array.from({ length: 50 }, async () => expect(await told(await forged())).toMatchObject({ status: 400 })))
  expect(the.world.idp.control.calls.jwks).toBeLessThanOrEqual(1)
  await Promise.all(Array.from({ length: 50 }, async () => expect(await told(randomUUID())).toMatchObject({ status: 400 })))
  expect(the.world.idp.control.calls.discovery).toBeLessThanOrEqual(1)
  expect(wakings()).toBe(before)
})

test('while the keys cannot be fetched nothing is believed: 503, and the provider may come again', async () => {
  await the.world.restartRuntime()
  the.world.idp.control.failNext('jwks', { status: 503 })
  const token = await signed()
  expect(await told(token)).toMatchObject({ status: 503 })
  await expect.poll(() => told(token), { timeout: 10_000, interval: 250 }).toMatchObject({ status: 200 })
})

async function signed(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const honest = {
    iss: the.world.idp.issuer,
    aud: the.world.vars['OAUTH_CLIENT_ID'],
    iat: now(),
    exp: now() + 120,
    jti: randomUUID(),
  }
  const claims = { ...honest, sub: PEOPLE.carol.sub, events: EVENTS, ...changes }
  return await the.world.idp.signLogoutToken(JSON.parse(JSON.stringify(claims)))
}

/** As the provider would have written it, signed with a key of which it knows nothing. */
async function forged(): Promise<string> {
  const { privateKey } = await strangersKey
  const kid = randomUUID()
  return await new SignJWT(decodeJwt(await signed())).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey)
}

/** The `sid` under which the provider knows the last sign-in: it is in what it remembers of the refresh token. */
function latestSession(): string {
  const store = new DatabaseSync(join(the.dataDir, 'identity-provider.sqlite'), { readOnly: true })
  const row = store.prepare("SELECT payload FROM artefacts WHERE model = 'RefreshToken' ORDER BY rowid DESC LIMIT 1").get()
  store.close()
  const { sid }: { sid?: string } = JSON.parse(String(row?.['payload']))
  if (sid === undefined) throw new Error('the provider remembers no session')
  return sid
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}

function unsigned(token: string): string {
  const [, payload = ''] = token.split('.')
  return `${Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')}.${payload}.`
}

async function told(token: string): Promise<{ status: number; text: string; cacheControl: string | null }> {
  const body = new URLSearchParams({ logout_token: token })
  const answer = await fetch(`${the.world.brokerUrl}/backchannel-logout`, { method: 'POST', body })
  return { status: answer.status, text: await answer.text(), cacheControl: answer.headers.get('cache-control') }
}

/** What was not delivered when the runtime ended wakes whose it is once more. */
async function wakingsAtRest(): Promise<number> {
  let before = -1
  while (before !== wakings()) {
    before = wakings()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  return before
}

function wakings(): number {
  return the.world.logs.filter(({ message }) => message.includes('session.woke')).length
}
