// Shared Signals that are polled, the page on which administrators see and test them, and MCP servers that hear of ended sessions.
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { forEveryTry } from '../world/each-try.ts'
import { EventReceiver } from '../world/event-receiver.ts'
import { freePort } from '../world/listening.ts'
import { PEOPLE } from '../world/people.ts'
import { CAEP, SignalTransmitter } from '../world/signal-transmitter.ts'
import { verifiedJwt } from '../world/signed.ts'
import { startWorld, type World } from '../world/world.ts'

const SHOWN = { authorization: 'Bearer of the server' }
const REVOKED = `${CAEP}session-revoked`

let polled: SignalTransmitter
let server: EventReceiver
let world: World
let client: BrokerClient
let carol: AdminProgram

forEveryTry(async () => {
  polled = await SignalTransmitter.start('keycloak')
  server = await EventReceiver.start()
  const downstream = await freePort()
  const stateful = { name: 'stateful', url: `http://127.0.0.1:${downstream}/mcp`, signals: { url: server.url, ...SHOWN } }
  world = await startWorld({
    ports: { downstream },
    overrides: {
      OAUTH_SIGNALS: JSON.stringify({ transmitter: polled.issuer, delivery: 'poll' }),
      DOWNSTREAMS: JSON.stringify([stateful]),
    },
  })
  client = await BrokerClient.register(world.brokerUrl)
  carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  return async () => {
    await world?.close()
    await Promise.all([polled?.close(), server?.close()])
  }
})

const subjectOf = (person: keyof typeof PEOPLE) => ({ format: 'iss_sub', iss: world.idp.issuer, sub: PEOPLE[person].sub })
const streamNow = async () => (await carol.see('/signals')).providers[0].stream

describe('Shared Signals, polled from a transmitter in the dialect of Keycloak,', () => {
  test('are taken, acknowledged once everything has ended, and refused by name', async () => {
    const { accessToken } = await client.signIn('alice', { changes: { resource: world.mcpUrl } })
    const stream = await countForLong(world.mcpUrl, accessToken)
    polled.enqueue(polled.signed(polled.claims(REVOKED, subjectOf('alice'), {}, { jti: 'polled-1' })), 'polled-1')
    polled.enqueue(polled.signed(polled.claims(REVOKED, subjectOf('alice'), {}, { jti: 'polled-2', aud: 'x' })), 'polled-2')
    expect((await carol.post('/signals/oauth/stream', { reason: 'a test' })).status).toBe(201)
    expect(await stream.endsWithin(2_000)).toBe(true)
    expect(await statusWith(world.mcpUrl, accessToken)).toBe(401)
    expect(polled.acknowledged).toContain('polled-1')
    expect(polled.refused.get('polled-2')).toBe('invalid_audience')
    expect(polled.queue.size).toBe(0)
    expect(await streamNow()).toMatchObject({ verifiedAt: expect.any(Number), polledAt: expect.any(Number) })
    expect([...polled.bearers].every((bearer) => /^Bearer \S+$/.test(bearer))).toBe(true)
  })

  test('an answer that never ends is cut off, said so, and holds up nothing', async () => {
    polled.isEndless = true
    expect((await carol.post('/signals/oauth/verify', { reason: 'a test' })).status).toBe(200)
    expect((await streamNow()).problem).toMatch(/./)
    polled.isEndless = false
    expect((await carol.post('/signals/oauth/verify', { reason: 'a test' })).status).toBe(200)
    expect((await streamNow()).problem).toBeUndefined()
  })
})

test('the page of the portal shows the doors and the stream, and its buttons test them', async () => {
  const headers = { cookie: carol.headers['cookie'] ?? '' }
  const html = await (await fetch(`${world.brokerUrl}/admin/signals`, { headers })).text()
  expect(html).toContain(`${world.brokerUrl}/backchannel-logout`)
  expect(html).toContain('data-verified')
  const press = async (what: Record<string, string>) => {
    const body = new URLSearchParams({ csrf: carol.headers['x-csrf-token'] ?? '', ...what })
    const form = { ...headers, origin: world.brokerUrl }
    const answer = await fetch(`${world.brokerUrl}/admin/signals`, { method: 'POST', headers: form, body })
    return /id="notice"[^>]*>([^<]*)/.exec(await answer.text())?.[1]
  }
  expect(await press({ do: 'verify', provider: 'oauth' })).toContain('asked for a verification')
  expect(await press({ do: 'tell', server: 'stateful' })).toBe('The server has taken it.')
  expect(await press({ do: 'verify', provider: 'nobody' })).toContain('no transmitter for nobody')
})

describe('a server that keeps something of sessions', () => {
  test('hears of the end of each in an event it can verify, however often it has to be told', async () => {
    const resource = `${world.brokerUrl}/servers/stateful/mcp`
    const { accessToken } = await client.signIn('alice', { changes: { resource } })
    expect(await statusWith(resource, accessToken)).toBe(200)
    server.heard.length = 0
    server.failsFirst = 1
    await carol.revoke({ what: 'person', sub: await carol.subOf(PEOPLE.alice.email) })
    await expect.poll(() => server.heard.length, { timeout: 10_000 }).toBe(2)
    const [first, second] = server.heard
    expect(first?.authorization).toBe(SHOWN.authorization)
    expect(second?.token).toBeDefined()
    const keys = await (await fetch(`${world.brokerUrl}/.well-known/jwks.json`)).json()
    const { header, claims } = verifiedJwt(second?.token ?? '', keys)
    expect(header).toMatchObject({ typ: 'secevent+jwt' })
    expect(claims).toMatchObject({
      iss: world.brokerUrl,
      aud: world.downstream.url,
      jti: expect.any(String),
      sub_id: { format: 'complex', user: subjectOf('alice'), session: { format: 'opaque', id: expect.any(String) } },
      events: { [REVOKED]: { event_timestamp: expect.any(Number) } },
    })
    expect(claims).not.toHaveProperty('exp')
    expect(claims).not.toHaveProperty('sub')
    expect(verifiedJwt(first?.token ?? '', keys).claims['jti']).toBe(claims['jti'])
  })

  test('is sent a verification on demand', async () => {
    const before = server.heard.length
    const answer = await carol.post('/servers/stateful/verify', { reason: 'a test' })
    expect(await answer.json()).toMatchObject({ told: true })
    expect(server.heard.length).toBe(before + 1)
    const configuration = await (await fetch(`${world.brokerUrl}/.well-known/ssf-configuration`)).json()
    expect(configuration).toMatchObject({ issuer: world.brokerUrl, jwks_uri: `${world.brokerUrl}/.well-known/jwks.json` })
  })
})
