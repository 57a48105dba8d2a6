// The admin API as administrators and their programs use it, in the real runtime: see who is connected, take it away, read the receipt.
import { describe, expect, test } from 'vitest'
import { ANSWERS } from '../../scripts/reference/openapi-schemas.ts'
import { OPERATIONS } from '../../scripts/reference/openapi.ts'
import { answered } from '../world/admin-answers.ts'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { fixture, perTest } from '../world/fixture.ts'
import { putSealingKey } from '../world/sealing-key.ts'
import { startWorld } from '../world/world.ts'

const the = fixture(async (closing) => {
  const world = await closing(startWorld())
  const client = await BrokerClient.register(world.brokerUrl, { client_name: '=HYPERLINK("https://evil.example")' })
  return { world, client }
})
/** One of these tests signs her out. */
const its = perTest(async () => ({ carol: await AdminProgram.signedIn(the.world.brokerUrl, 'carol') }))

/** These are held to the document where there is a transmitter or a sink (signals.test.ts asks by the same program); a file line by line. */
const ELSEWHERE = /^post \/(?:signals|servers|exports)\/|\/sealed$/

/** The index is seconds behind. */
async function listed(email: string): Promise<string> {
  return await expect
    .poll(() => its.carol.subOf(email).catch(() => ''))
    .toMatch(/./)
    .then(() => its.carol.subOf(email))
}

describe('carol, signed in on the pages,', () => {
  test('sees who alice is at this moment, and takes it away: the stream ends, the next call is 401, the receipt says so', async () => {
    const tokens = await the.client.signIn('alice')
    const stream = await countForLong(the.world.mcpUrl, tokens.accessToken)
    const sub = await listed('alice@example.com')
    const { live, events } = await its.carol.see(`/people/${sub}`)
    expect(live).toMatchObject({
      identity: { email: 'alice@example.com' },
      streams: [{ label: 'tools/call count', kind: 'request' }],
    })
    expect(events[0]).toMatchObject({ type: 'signed_in', clientId: the.client.clientId })

    const receipt = await its.carol.revoke({ what: 'person', sub }, 'left the company')
    expect(receipt).toMatchObject({
      byName: 'carol@example.com',
      why: 'left the company',
      action: 'revoke',
      target: { what: 'person', sub },
      people: { total: 1, done: 1, failing: 0 },
      streams: 1,
      state: 'done',
      acknowledgedAt: expect.any(Number),
    })
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(stream.text).toContain('credential_revoked')
    expect(await statusWith(the.world.mcpUrl, tokens.accessToken)).toBe(401)
    expect((await the.client.refresh(tokens.refreshToken)).status).toBe(400)
    expect(await its.carol.receipt(receipt.id)).toEqual(receipt)
    const { receipts } = await its.carol.see('/receipts')
    expect(receipts[0]).toEqual(receipt)
    await expect
      .poll(async () => (await its.carol.see(`/events?sub=${sub}&type=person_ended`)).events)
      .toMatchObject([{ actorName: 'carol@example.com', reason: 'left the company' }])
  })

  test('is answered by every route as the OpenAPI document says, and is told nothing beside it', async () => {
    const app = await BrokerClient.register(the.world.brokerUrl, { client_uri: 'https://app.example', software_id: 'app' })
    const { accessToken } = await app.signIn('alice')
    const sub = await listed('alice@example.com')
    answered.clear()
    const reason = 'a look'
    await putSealingKey(its.carol)
    expect((await its.carol.post(`/recordings/${sub}`, { minutes: 5, bodies: true, reason })).status).toBe(201)
    const stream = await countForLong(the.world.mcpUrl, accessToken)
    await expect.poll(async () => (await its.carol.see(`/recordings/${sub}`)).entries.length).toBeGreaterThan(0)
    await expect.poll(async () => (await its.carol.see(`/people/${sub}`)).live.streams.length).toBeGreaterThan(0)
    await its.carol.createMachine()
    const { id } = await its.carol.revoke({ what: 'grant', id: 'none', sub })
    for (const action of ['block', 'unblock']) {
      await its.carol.act(`/people/${sub}/${action}`, { reason })
      await its.carol.act(`/clients/${app.clientId}/${action}`, { reason })
    }
    await its.carol.post(`/recordings/${sub}/stop`, { reason })
    const file = await (await its.carol.get(`/recordings/${sub}/sealed`)).text()
    for (const line of file.trimEnd().split('\n')) ANSWERS.SealedLine.parse(JSON.parse(line))
    const lists = [
      '/people',
      '/clients',
      '/machines',
      '/events',
      '/receipts',
      `/receipts/${id}`,
      `/receipts/${id}/signed`,
      '/evidence',
      '/evidence/entries',
      '/exports',
      '/sealing-key',
      '/sealing-keys',
    ]
    for (const path of ['/openapi.json', '/session', '/overview', '/signals', ...lists]) await its.carol.see(path)
    expect([...answered].sort()).toEqual(
      Object.keys(OPERATIONS)
        .filter((name) => !ELSEWHERE.test(name))
        .sort(),
    )
    await stream.endsWithin(1_000)
  })

  test('ends one grant, one stream, and one client of a person, and leaves the others', async () => {
    const [first, second] = [await the.client.signIn('bob'), await the.client.signIn('bob')]
    const sub = await listed('bob@example.com')
    const stream = await countForLong(the.world.mcpUrl, first.accessToken)
    const { live } = await its.carol.see(`/people/${sub}`)
    const [open] = live.streams
    expect(await its.carol.revoke({ what: 'stream', id: open.id, sub })).toMatchObject({ streams: 1, grants: 0 })
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(await statusWith(the.world.mcpUrl, first.accessToken)).toBe(200)

    expect(await its.carol.revoke({ what: 'grant', id: open.grantId, sub })).toMatchObject({ grants: 1 })
    expect(await statusWith(the.world.mcpUrl, first.accessToken)).toBe(401)
    expect(await statusWith(the.world.mcpUrl, second.accessToken)).toBe(200)

    expect(await its.carol.revoke({ what: 'client', id: the.client.clientId, sub })).toMatchObject({ grants: 1 })
    expect(await statusWith(the.world.mcpUrl, second.accessToken)).toBe(401)
  })

  test('blocks bob, who can sign in again only when unblocked', async () => {
    const { accessToken } = await the.client.signIn('bob')
    const sub = await listed('bob@example.com')
    expect(await its.carol.act(`/people/${sub}/block`, { reason: 'an incident' })).toMatchObject({ action: 'block', grants: 1 })
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    await expect(the.client.signIn('bob')).rejects.toThrow('access_denied')
    expect(await its.carol.act(`/people/${sub}/unblock`, { reason: 'it is over' })).toMatchObject({ action: 'unblock' })
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect(await statusWith(the.world.mcpUrl, (await the.client.signIn('bob')).accessToken)).toBe(200)
  })

  test('blocks an application: who used it is disconnected, and whoever wants to is told why not', async () => {
    const app = await BrokerClient.register(the.world.brokerUrl)
    const [alice, bob] = [await app.signIn('alice'), await app.signIn('bob')]
    const other = await the.client.signIn('alice')
    const code = await app.code('bob')
    await expect.poll(async () => (await peopleOf(app.clientId))?.people).toBe(2)
    const { id } = await its.carol.act(`/clients/${app.clientId}/block`, { reason: 'it misbehaves' })
    await expect.poll(() => its.carol.receipt(id)).toMatchObject({ state: 'done', grants: 3, people: { total: 2, done: 2 } })
    for (const { accessToken } of [alice, bob]) expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect(await statusWith(the.world.mcpUrl, other.accessToken)).toBe(200)
    expect((await app.redeem(code)).status).toBe(400)
    const page = await fetch(app.authorizeUrl().url)
    expect([page.status, await page.text()]).toEqual([
      403,
      expect.stringContaining('An administrator has blocked this application'),
    ])
    expect(await peopleOf(app.clientId)).toMatchObject({
      isBlocked: true,
      blocked: { byName: 'carol@example.com', why: 'it misbehaves' },
    })

    await its.carol.act(`/clients/${app.clientId}/unblock`, { reason: 'it was mended' })
    expect(await statusWith(the.world.mcpUrl, (await app.signIn('alice')).accessToken)).toBe(200)
    expect((await its.carol.post(`/clients/${app.clientId}/unblock`, { reason: 'again' })).status).toBe(404)
  })

  test('is signed out of the pages at once when her own access is ended, and kept out while she is blocked', async () => {
    const robot = new AdminProgram(the.world.brokerUrl, {
      authorization: `Bearer ${(await its.carol.createMachine({ name: 'Second administrator', scopes: ['admin'] })).token}`,
    })
    const sessions = [
      await AdminProgram.signedIn(the.world.brokerUrl, 'carol'),
      await AdminProgram.signedIn(the.world.brokerUrl, 'carol'),
    ]
    await expect.poll(async () => (await robot.get('/people?search=carol')).text()).toContain('carol@example.com')
    const sub = await robot.subOf('carol@example.com')
    await robot.revoke({ what: 'person', sub }, 'the cookie was stolen')
    for (const session of sessions) {
      expect((await session.get('/session')).status).toBe(401)
      const page = await fetch(`${the.world.brokerUrl}/admin/people`, { headers: session.headers, redirect: 'manual' })
      expect(page.status).toBe(303)
    }
    const again = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
    expect((await again.get('/session')).status).toBe(200)
    await robot.act(`/people/${sub}/block`, { reason: 'until it is clear' })
    expect((await again.get('/session')).status).toBe(403)
    await expect(AdminProgram.signedIn(the.world.brokerUrl, 'carol')).rejects.toThrow('Invalid input')
    await robot.act(`/people/${sub}/unblock`, { reason: 'it is clear' })
    const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
    expect((await carol.get('/session')).status).toBe(200)
  })

  test('takes the events home, as JSON Lines and as a table in which nothing is a formula', async () => {
    const lines = await (await its.carol.get('/events', { accept: 'application/x-ndjson' })).text()
    const events = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.length).toBeGreaterThan(5)
    const csv = await its.carol.get('/events?format=csv&type=signed_in')
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    const [head, row] = (await csv.text()).split('\r\n')
    expect(head).toBe('"number","at","type","sub","clientId","clientName","grantId","actor","reason","actorName"')
    expect(row).toMatch(/"signed_in"/)
    expect(lines).toContain('"=HYPERLINK')
    expect(await (await its.carol.get('/events?format=csv')).text()).not.toContain(',"=HYPERLINK')
    const { events: some, next } = await its.carol.see('/events?limit=2')
    expect(some).toHaveLength(2)
    const { events: older } = await its.carol.see(`/events?limit=2&before=${next}`)
    expect(older[0].number).toBeLessThan(some[1].number)
  })

  test.for<[string, string, object, number, string]>([
    ['names no reason', '/revocations', { target: { what: 'everyone' } }, 400, 'invalid_request'],
    ['gives an empty reason', '/revocations', { target: { what: 'everyone' }, reason: '  ' }, 400, 'invalid_request'],
    ['names nothing that can be ended', '/revocations', { target: { what: 'world' }, reason: 'x' }, 400, 'invalid_request'],
    ['names a stream of nobody', '/revocations', { target: { what: 'stream', id: 'a' }, reason: 'x' }, 400, 'invalid_request'],
    [
      'says more than is understood',
      '/revocations',
      { target: { what: 'everyone', sub: 'a' }, reason: 'x' },
      400,
      'invalid_request',
    ],
    [
      'means somebody who is not there',
      '/revocations',
      { target: { what: 'person', sub: 'A'.repeat(43) }, reason: 'x' },
      404,
      'not_found',
    ],
    ['blocks somebody who is not there', `/people/${'A'.repeat(43)}/block`, { reason: 'x' }, 404, 'not_found'],
    ['blocks an application that is not there', '/clients/pub_nobody/block', { reason: 'x' }, 404, 'not_found'],
    ['wants a machine that lives for ever', '/machines', machine({ expiresAt: 9_999_999_999 }), 400, 'invalid_request'],
    [
      'wants a machine for a server elsewhere',
      '/machines',
      machine({ resources: ['https://elsewhere.example/mcp'] }),
      400,
      'invalid_target',
    ],
    ['asks for what there is not', '/nothing', {}, 404, 'not_found'],
  ])('is told so when a request %s', async ([, path, body, status, code]) => {
    const answer = await its.carol.post(path, body)
    expect([answer.status, await answer.json()]).toEqual([
      status,
      { error: code, error_description: expect.stringMatching(/\w/), request_id: answer.headers.get('x-request-id') },
    ])
  })
})

function machine(changes: object): object {
  const expiresAt = Math.floor(Date.now() / 1000) + 3_600
  return { name: 'm', owner: 'o', scopes: ['mcp'], expiresAt, reason: 'x', ...changes }
}

async function peopleOf(clientId: string): Promise<{ people: number } | undefined> {
  const { clients } = await its.carol.see(`/clients?search=${clientId}`)
  return clients[0]
}
