// A server that wants each person to sign in there: from a client's sign-in through that of the server to a tool call, and to its end.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { EXAMPLE_ENCRYPTION_KEY } from '../../src/settings/settings.ts'
import { AdminProgram } from '../world/administrator.ts'
import { AccountVisit } from '../world/account-visit.ts'
import { BrokerClient, callTool, countForLong, errorOf, statusWith, type Tokens } from '../world/broker-client.ts'
import { Browser, signInAs } from '../world/browser.ts'
import { fixture, perTest } from '../world/fixture.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { textsIn } from '../world/disk.ts'
import { ProtectedDownstream } from '../world/protected-downstream.ts'
import { putSealingKey, readSealed } from '../world/sealing-key.ts'
import { SseClient } from '../world/sse-client.ts'
import { startWorld } from '../world/world.ts'

const API_KEY = 'canary-of-a-fixed-header'
const SERVICE_SECRET = 'canary-of-a-service-token'

const the = fixture(async (closing, onEnd) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'broker-linked-'))
  onEnd(() => rm(dataDir, { recursive: true, force: true }))
  const server = await closing(ProtectedDownstream.start())
  const world = await closing(
    startWorld({
      dataDir,
      // Servers that take a fixed secret stand beside it; both are the example server, which says what it was sent.
      overrides: {
        API_KEY,
        SERVICE_SECRET,
        DOWNSTREAMS: JSON.stringify([
          { name: 'vault', title: 'The vault', url: server.url, auth: 'oauth' },
          {
            name: 'keyed',
            url: server.inner.url,
            auth: 'static',
            headers: { 'X-Api-Key': '$API_KEY', Authorization: 'Token $API_KEY' },
          },
          {
            name: 'behind-access',
            url: server.inner.url,
            auth: 'access-service-token',
            access: { client_id: 'broker.access', client_secret: '$SERVICE_SECRET' },
          },
        ]),
      },
    }),
  )
  const mcpUrl = `${world.brokerUrl}/servers/vault/mcp`
  return { world, server, dataDir, mcpUrl }
})

/** Whoever was connected before is not any more, neither here nor there. */
const its = perTest(async () => {
  the.server.turnsAway = false
  await (await AccountVisit.as('alice', the.world.brokerUrl)).disconnect()
  return { client: await BrokerClient.register(the.world.brokerUrl) }
})

describe('a person whose client signs in', () => {
  test('is led by the server’s own sign-in once, and the server gets its own token and who they are', async () => {
    const before = the.server.signIns
    const { accessToken } = await signIn()
    expect(the.server.signIns).toBe(before + 1)
    const answer = await callTool(the.mcpUrl, accessToken)
    expect(answer.status).toBe(200)
    await answer.text()
    const { headers } = await the.server.inner.requests.find(({ method }) => method === 'POST')
    expect(headers).toMatchObject({ 'x-user-email': 'alice@example.com' })
    expect(the.server.secrets).toContain(headers.authorization?.replace('Bearer ', ''))
    expect(JSON.stringify(the.server.inner.requests.all.map((request) => request.headers))).not.toContain(accessToken)
    // Another client of the same person needs no second sign-in there, and everybody one registration.
    const other = await BrokerClient.register(the.world.brokerUrl)
    expect(await statusWith(the.mcpUrl, (await signIn(other)).accessToken)).toBe(200)
    expect(the.server.signIns).toBe(before + 1)
    expect(the.server.registrations).toBe(1)
  })

  test('is not let in when the server turns them away', async () => {
    the.server.turnsAway = true
    const { url } = its.client.authorizeUrl({ resource: the.mcpUrl })
    const back = await signInAs('alice', url, { stopAt: its.client.redirectUri })
    expect(back.searchParams.get('error')).toBe('access_denied')
    expect(back.searchParams.get('code')).toBeNull()
  })

  test('23. finishes in the browser in which it was begun, and once', async () => {
    const browser = new Browser()
    const { url } = its.client.authorizeUrl({ resource: the.mcpUrl })
    const callback = await signInAs('alice', url, { browser, stopAt: `${the.world.brokerUrl}/link/callback/vault` })
    const [stranger, first, again] = [
      await new Browser().get(callback.href),
      await browser.get(callback.href, { stopAt: its.client.redirectUri }),
      await browser.get(callback.href),
    ]
    expect(first).toMatchObject({ status: 303, stopped: true })
    for (const page of [stranger, again]) {
      expect(page.status).toBe(400)
      expect(page.text).toContain('Invalid or expired state')
    }
  })

  test('22. an answer that names another issuer gets no token', async () => {
    const browser = new Browser()
    const { url } = its.client.authorizeUrl({ resource: the.mcpUrl })
    const callback = await signInAs('alice', url, { browser, stopAt: `${the.world.brokerUrl}/link/callback/vault` })
    callback.searchParams.set('iss', 'https://evil.example')
    const page = await browser.get(callback.href, { stopAt: its.client.redirectUri })
    expect(page.status).toBe(502)
    expect(page.text).toContain('could not be verified')
  })
})

describe('a server that does not take the token any more', () => {
  test('is given a new one, and one refresh is enough for twenty calls at once in both eras, over HTTP+SSE too', async () => {
    const { accessToken } = await signIn()
    const legacy = await LegacyClient.open(the.mcpUrl, accessToken)
    const old = await SseClient.open(the.mcpUrl.replace(/mcp$/, 'sse'), accessToken)
    const before = the.server.refreshes
    the.server.expireTokens()
    const modern = Array.from({ length: 10 }, () => callTool(the.mcpUrl, accessToken))
    const calls = [...modern, ...Array.from({ length: 10 }, () => legacy.call('echo', { message: 'hello' }))]
    const [posted, ...answers] = await Promise.all([old.call('echo', { message: 'oldest' }, 'call'), ...calls])
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    for (const answer of answers) expect(await answer.text()).toContain('hello')
    expect(posted.status).toBe(202)
    expect((await old.stream.message('"id":"call"')).data).toContain('oldest')
    expect(the.server.refreshes).toBe(before + 1)
  })

  test.for(['modern', 'legacy'] as const)(
    'and gives no new one: a %s client gets our challenge, can not refresh, and is led there when it signs in again',
    async (era) => {
      const { accessToken, refreshToken } = await signIn()
      const legacy = await LegacyClient.open(the.mcpUrl, accessToken)
      the.server.forgetEverybody()
      const answer = await (era === 'modern' ? callTool(the.mcpUrl, accessToken) : legacy.call('echo', { message: 'hello' }))
      expect(answer.status).toBe(401)
      const challenge = answer.headers.get('www-authenticate') ?? ''
      expect(challenge).toContain(`${the.world.brokerUrl}/.well-known/oauth-protected-resource/servers/vault/mcp`)
      expect(challenge).not.toContain(new URL(the.server.url).host)
      await answer.text()
      expect(errorOf(await its.client.refresh(refreshToken))).toBe('invalid_grant')
      const before = the.server.signIns
      expect(await statusWith(the.mcpUrl, (await signIn()).accessToken)).toBe(200)
      expect(the.server.signIns).toBe(before + 1)
    },
  )
})

describe('on the account page, without a script,', () => {
  test('a person connects before any client does, and what they disconnect is over at once, here and there', async () => {
    const visit = await AccountVisit.as('alice', the.world.brokerUrl)
    expect((await visit.change('connect')).text).toContain('The broker keeps what')
    const before = the.server.signIns
    const { accessToken } = await signIn()
    expect(the.server.signIns).toBe(before)
    const stream = await countForLong(the.mcpUrl, accessToken)
    expect((await visit.change('disconnect')).text).toContain('Not connected')
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(await statusWith(the.mcpUrl, accessToken)).toBe(401)
    await vi.waitFor(() => expect(the.server.revoked.length).toBeGreaterThanOrEqual(2), 10_000)
  })

  test('a form of another site changes nothing', async () => {
    const visit = await AccountVisit.as('alice', the.world.brokerUrl)
    await visit.change('connect')
    expect((await visit.change('disconnect', { csrf: 'guessed' })).status).toBe(403)
    expect((await visit.look()).text).toContain('The broker keeps what')
  })
})

test('whoever the identity provider does not know any more has nothing left at the server', async () => {
  const { accessToken, refreshToken } = await signIn()
  const known = the.server.revoked.length
  the.world.idp.control.dropPerson('alice')
  try {
    expect(errorOf(await its.client.refresh(refreshToken))).toBe('invalid_grant')
  } finally {
    the.world.idp.control.restorePerson('alice')
  }
  expect(await statusWith(the.mcpUrl, accessToken)).toBe(401)
  await vi.waitFor(() => expect(the.server.revoked.length).toBe(known + 2), 10_000)
})

test('what is renewed while the person disconnects is nobody’s, and is given back as well', async () => {
  const { accessToken } = await signIn()
  const visit = await AccountVisit.as('alice', the.world.brokerUrl)
  const held = Promise.withResolvers<void>()
  the.server.hold = held.promise
  the.server.expireTokens()
  const call = callTool(the.mcpUrl, accessToken)
  await vi.waitFor(() => expect(the.server.waiting).toBe(1), 10_000)
  await visit.change('disconnect')
  held.resolve()
  the.server.hold = undefined
  const answer = await call
  expect(answer.status).toBe(401)
  await answer.text()
  expect((await visit.look()).text).toContain('Not connected')
  await vi.waitFor(() => expect(the.server.revoked).toEqual(expect.arrayContaining(the.server.secrets.slice(-2))), 10_000)
})

test('a link outlives a crash and a change of keys, and without the old key it is made anew', async () => {
  const { accessToken } = await signIn()
  const before = the.server.signIns
  const [older, newer] = [EXAMPLE_ENCRYPTION_KEY, randomBytes(32).toString('hex')]
  await the.world.restartRuntime({ ENCRYPTION_KEY: newer, ENCRYPTION_KEY_PREVIOUS: older })
  expect(await statusWith(the.mcpUrl, accessToken)).toBe(200)
  await the.world.restartRuntime({ ENCRYPTION_KEY: newer })
  const { accessToken: fresh } = await signIn(await BrokerClient.register(the.world.brokerUrl))
  expect(await statusWith(the.mcpUrl, fresh)).toBe(200)
  expect(the.server.signIns).toBe(before + 1)
})

test('27. 28. fixed secrets reach their server, whatever a client sends in their place', async () => {
  const forged = { 'x-api-key': 'forged', 'cf-access-client-id': 'forged', 'cf-access-client-secret': 'forged' }
  for (const [name, expected] of [
    ['keyed', { 'x-api-key': API_KEY, authorization: `Token ${API_KEY}` }],
    ['behind-access', { 'cf-access-client-id': 'broker.access', 'cf-access-client-secret': SERVICE_SECRET }],
  ] as const) {
    const resource = `${the.world.brokerUrl}/servers/${name}/mcp`
    const { accessToken } = await its.client.signIn('alice', { changes: { resource } })
    the.server.inner.requests.forget()
    await (await callTool(resource, accessToken, { headers: forged })).text()
    const legacy = await LegacyClient.open(resource, accessToken)
    await (await legacy.post({ jsonrpc: '2.0', id: 9, method: 'tools/list' }, forged)).text()
    expect(the.server.inner.requests.all.length).toBeGreaterThanOrEqual(4)
    for (const { headers } of the.server.inner.requests.all) {
      expect(headers).toMatchObject({ ...expected, 'x-user-email': 'alice@example.com' })
      expect(JSON.stringify(headers)).not.toContain('forged')
    }
  }
})

test('56. no token of the server, and no fixed secret, is in a log line, a recording, on a page, or readable on the disk', async () => {
  const admin = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
  const { accessToken } = await signIn()
  const { sub = '' } = decodeJwt(accessToken)
  const key = await putSealingKey(admin)
  const asked = { bodies: true, minutes: 5, reason: 'looking for a bug' }
  expect(await admin.post(`/recordings/${sub}`, asked)).toMatchObject({ status: 201 })
  const { accessToken: token } = await signIn()
  // Nothing keeps a server, or whoever reads its log, from saying what it was sent.
  for (const secret of [the.server.secrets.at(-2) ?? '', the.server.secrets.at(-1) ?? '', API_KEY, SERVICE_SECRET]) {
    const said = await (await callTool(the.mcpUrl, token, { arguments: { message: `it was sent ${secret}` } })).text()
    expect(said).toContain(secret)
  }
  const recorded = await vi.waitFor(async () => {
    const sealed = await (await admin.get(`/recordings/${sub}/sealed`)).text()
    const text = JSON.stringify((await readSealed(sealed, key)).entries)
    expect(text.match(/it was sent/g)?.length).toBeGreaterThanOrEqual(8)
    return text
  }, 10_000)
  const page = await (await AccountVisit.as('alice', the.world.brokerUrl)).look()
  const log = the.world.logs.map(({ message }) => message).join('\n')
  const said = [log, recorded, page.text, ...(await textsIn(the.dataDir))].join('\n')
  expect(recorded).toContain('[redacted]')
  expect(the.server.secrets.length).toBeGreaterThan(5)
  for (const secret of [...the.server.secrets, API_KEY, SERVICE_SECRET]) expect(said).not.toContain(secret)
})

async function signIn(as: BrokerClient = its.client): Promise<Tokens> {
  return await as.signIn('alice', { changes: { resource: the.mcpUrl } })
}
