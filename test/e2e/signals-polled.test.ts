// Shared Signals that are polled, the page on which administrators see and test them, and MCP servers that hear of ended sessions.
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { EventReceiver } from '../world/event-receiver.ts'
import { fixture } from '../world/fixture.ts'
import { freePort } from '../world/listening.ts'
import { PEOPLE } from '../world/people.ts'
import { CAEP, SignalTransmitter } from '../world/signal-transmitter.ts'
import { verifiedJwt } from '../world/signed.ts'
import { startWorld } from '../world/world.ts'

const SHOWN = { authorization: 'Bearer of the server' }
const REVOKED = `${CAEP}session-revoked`

const the = fixture(async (closing) => {
  const polled = await closing(SignalTransmitter.start('keycloak'))
  const server = await closing(EventReceiver.start())
  const downstream = await freePort()
  const stateful = { name: 'stateful', url: `http://127.0.0.1:${downstream}/mcp`, signals: { url: server.url, ...SHOWN } }
  const world = await closing(
    startWorld({
      ports: { downstream },
      overrides: {
        OAUTH_SIGNALS: JSON.stringify({ transmitter: polled.issuer, delivery: 'poll' }),
        DOWNSTREAMS: JSON.stringify([stateful]),
      },
    }),
  )
  const client = await BrokerClient.register(world.brokerUrl)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  return { polled, server, world, client, carol }
})

const subjectOf = (person: keyof typeof PEOPLE) => ({ format: 'iss_sub', iss: the.world.idp.issuer, sub: PEOPLE[person].sub })
const streamNow = async () => (await the.carol.see('/signals')).providers[0].stream

describe('Shared Signals, polled from a transmitter in the dialect of Keycloak,', () => {
  test('are taken, acknowledged once everything has ended, and refused by name', async () => {
    const { accessToken } = await the.client.signIn('alice', { changes: { resource: the.world.mcpUrl } })
    const stream = await countForLong(the.world.mcpUrl, accessToken)
    the.polled.enqueue(the.polled.signed(the.polled.claims(REVOKED, subjectOf('alice'), {}, { jti: 'polled-1' })), 'polled-1')
    the.polled.enqueue(
      the.polled.signed(the.polled.claims(REVOKED, subjectOf('alice'), {}, { jti: 'polled-2', aud: 'x' })),
      'polled-2',
    )
    expect((await the.carol.post('/signals/oauth/stream', { reason: 'a test' })).status).toBe(201)
    expect(await stream.endsWithin(2_000)).toBe(true)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect(the.polled.acknowledged).toContain('polled-1')
    expect(the.polled.refused.get('polled-2')).toBe('invalid_audience')
    expect(the.polled.queue.size).toBe(0)
    expect(await streamNow()).toMatchObject({ verifiedAt: expect.any(Number), polledAt: expect.any(Number) })
    expect([...the.polled.bearers].every((bearer) => /^Bearer \S+$/.test(bearer))).toBe(true)
  })

  test('an answer that never ends is cut off, said so, and holds up nothing', async () => {
    the.polled.isEndless = true
    expect((await the.carol.post('/signals/oauth/verify', { reason: 'a test' })).status).toBe(200)
    expect((await streamNow()).problem).toMatch(/./)
    the.polled.isEndless = false
    expect((await the.carol.post('/signals/oauth/verify', { reason: 'a test' })).status).toBe(200)
    expect((await streamNow()).problem).toBeUndefined()
  })
})

test('the page of the portal shows the doors and the stream, and its buttons test them', async () => {
  const headers = { cookie: the.carol.headers['cookie'] ?? '' }
  const html = await (await fetch(`${the.world.brokerUrl}/admin/signals`, { headers })).text()
  expect(html).toContain(`${the.world.brokerUrl}/backchannel-logout`)
  expect(html).toContain('data-verified')
  const press = async (what: Record<string, string>) => {
    const body = new URLSearchParams({ csrf: the.carol.headers['x-csrf-token'] ?? '', ...what })
    const form = { ...headers, origin: the.world.brokerUrl }
    const answer = await fetch(`${the.world.brokerUrl}/admin/signals`, { method: 'POST', headers: form, body })
    return /id="notice"[^>]*>([^<]*)/.exec(await answer.text())?.[1]
  }
  expect(await press({ do: 'verify', provider: 'oauth' })).toContain('asked for a verification')
  expect(await press({ do: 'tell', server: 'stateful' })).toBe('The server has taken it.')
  expect(await press({ do: 'verify', provider: 'nobody' })).toContain('no transmitter for nobody')
})

describe('a server that keeps something of sessions', () => {
  test('hears of the end of each in an event it can verify, however often it has to be told', async () => {
    const resource = `${the.world.brokerUrl}/servers/stateful/mcp`
    const { accessToken } = await the.client.signIn('alice', { changes: { resource } })
    expect(await statusWith(resource, accessToken)).toBe(200)
    the.server.heard.length = 0
    the.server.failsFirst = 1
    await the.carol.revoke({ what: 'person', sub: await the.carol.subOf(PEOPLE.alice.email) })
    await expect.poll(() => the.server.heard.length, { timeout: 10_000 }).toBe(2)
    const [first, second] = the.server.heard
    expect(first?.authorization).toBe(SHOWN.authorization)
    expect(second?.token).toBeDefined()
    const keys = await (await fetch(`${the.world.brokerUrl}/.well-known/jwks.json`)).json()
    const { header, claims } = verifiedJwt(second?.token ?? '', keys)
    expect(header).toMatchObject({ typ: 'secevent+jwt' })
    expect(claims).toMatchObject({
      iss: the.world.brokerUrl,
      aud: the.world.downstream.url,
      jti: expect.any(String),
      sub_id: { format: 'complex', user: subjectOf('alice'), session: { format: 'opaque', id: expect.any(String) } },
      events: { [REVOKED]: { event_timestamp: expect.any(Number) } },
    })
    expect(claims).not.toHaveProperty('exp')
    expect(claims).not.toHaveProperty('sub')
    expect(verifiedJwt(first?.token ?? '', keys).claims['jti']).toBe(claims['jti'])
  })

  test('is sent a verification on demand', async () => {
    const before = the.server.heard.length
    const answer = await the.carol.post('/servers/stateful/verify', { reason: 'a test' })
    expect(await answer.json()).toMatchObject({ told: true })
    expect(the.server.heard.length).toBe(before + 1)
    const configuration = await (await fetch(`${the.world.brokerUrl}/.well-known/ssf-configuration`)).json()
    expect(configuration).toMatchObject({ issuer: the.world.brokerUrl, jwks_uri: `${the.world.brokerUrl}/.well-known/jwks.json` })
  })
})
