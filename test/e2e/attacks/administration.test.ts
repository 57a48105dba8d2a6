// Taking access away as administrators do it, and everybody else who would like to. Each test is named after the case it answers.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AdminProgram, pagesCookie } from '../../world/administrator.ts'
import { BrokerClient, callTool, countForLong, statusWith, tokensOf } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { openSubscription } from '../../world/subscription.ts'
import { startWorld } from '../../world/world.ts'

/** Every secret that was handed out, for the search at the end. */
const secrets: string[] = []
const said: string[] = []

const the = fixture(async (closing) => {
  const world = await closing(startWorld())
  const client = await BrokerClient.register(world.brokerUrl)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  secrets.push(...Object.values(carol.headers))
  return { world, client, carol }
})

const subOf = (email: string): Promise<string> =>
  expect
    .poll(() => the.carol.subOf(email).catch(() => ''))
    .toMatch(/./)
    .then(() => the.carol.subOf(email))

describe('34. revoke with open streams', () => {
  // What was signed in to in the very second of a wide revocation is taken to be meant by it.
  beforeEach(() => sleep(1_050))

  test.for<[string, (sub: string, grantId: string) => object]>([
    ['of the person', (sub) => ({ what: 'person', sub })],
    ['of the grant', (sub, id) => ({ what: 'grant', id, sub })],
    ['of the person’s client', (sub) => ({ what: 'client', id: the.client.clientId, sub })],
    ['of the client, for everybody', () => ({ what: 'client', id: the.client.clientId })],
    ['of the server, for everybody', () => ({ what: 'resource', id: the.world.mcpUrl })],
    ['of everyone', () => ({ what: 'everyone' })],
  ])('%s: all kinds are silent within a second of the receipt, and the downstream’s side is closed too', async ([, target]) => {
    const { accessToken, refreshToken } = await the.client.signIn('alice')
    secrets.push(accessToken, refreshToken)
    const sub = await subOf('alice@example.com')
    await expect.poll(async () => (await the.carol.see(`/people/${sub}`))['listed'].liveGrants).toBe(1)
    const session = await LegacyClient.open(the.world.mcpUrl, accessToken)
    const standing = await session.get()
    const call = await countForLong(the.world.mcpUrl, accessToken)
    const subscription = await openSubscription(the.world.mcpUrl, accessToken)
    const { live } = await the.carol.see(`/people/${sub}`)
    expect(live.streams).toHaveLength(3)

    const { id } = await the.carol.revoke(target(sub, live.grants[0].id))
    await expect.poll(() => the.carol.receipt(id)).toMatchObject({ state: 'done', streams: 3, grants: 1 })
    const done = Date.now()
    expect(await call.endsWithin(1_000)).toBe(true)
    await Promise.all([standing.over, subscription.over])
    expect(Date.now() - done).toBeLessThan(1_000)
    expect(call.text).toContain('credential_revoked')
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    const carried = await the.world.downstream.requests.find(({ body }) => body.includes('"count"'))
    await carried.closed
    the.world.downstream.requests.forget()
  })
})

test('35. reconnect after revoke, with the runtime killed in between: stays closed, and the receipt is complete', async () => {
  await sleep(1_050)
  const { accessToken, refreshToken } = await the.client.signIn('bob')
  secrets.push(accessToken, refreshToken)
  const sub = await subOf('bob@example.com')
  const streams = await Promise.all([countForLong(the.world.mcpUrl, accessToken), countForLong(the.world.mcpUrl, accessToken)])
  const begun = await the.carol.revoke({ what: 'resource', id: the.world.mcpUrl }, 'an incident')
  await the.world.restartRuntime()
  for (const stream of streams) expect(await stream.endsWithin(1_000)).toBe(true)
  await expect
    .poll(() => the.carol.receipt(begun.id), { timeout: 40_000 })
    .toMatchObject({ state: 'done', people: { failing: 0 } })
  expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
  expect((await the.client.refresh(refreshToken)).status).toBe(400)
  expect((await the.carol.see(`/people/${sub}`))['live'].grants).toEqual([])
  const reconnected = await callTool(the.world.mcpUrl, accessToken, { tool: 'count', arguments: { to: 5 } })
  expect(reconnected.status).toBe(401)
})

describe('55. the admin API is used by', () => {
  beforeAll(() => sleep(1_050))

  const REASON = { reason: 'an attack' }
  const somebody = 'A'.repeat(43)
  /** Bodies that would be taken, were it not for who sends them; where there is none, a reason is enough. */
  const BODIES: Readonly<Record<string, object>> = {
    '/machines': { name: 'm', owner: 'o', scopes: ['admin'], expiresAt: Math.floor(Date.now() / 1000) + 60, ...REASON },
    '/revocations': { target: { what: 'everyone' }, ...REASON },
  }

  /** All there are, as the API itself says, and one there is not. */
  async function routes(): Promise<readonly (readonly [method: string, path: string, body: object])[]> {
    const { paths } = await the.carol.see('/openapi.json')
    const all = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => {
        const asked = path.replace('{sub}', somebody).replace('{id}', the.client.clientId)
        return [method.toUpperCase(), asked, BODIES[path] ?? REASON] as const
      }),
    )
    return [...all, ['GET', '/nothing', {}]]
  }

  type Attacker = readonly [
    who: string,
    headers: () => Promise<Readonly<Record<string, string>>>,
    status: number,
    code: string,
    only?: 'POST',
  ]
  const attackers: readonly Attacker[] = [
    ['nobody', async () => ({}), 401, 'unauthorized'],
    [
      'an ordinary person',
      async () => (await AdminProgram.signedIn(the.world.brokerUrl, 'alice').catch(ordinary)).headers,
      403,
      'forbidden',
    ],
    [
      'a client with a person’s access token',
      async () => bearer((await the.client.signIn('carol')).accessToken),
      401,
      'invalid_token',
    ],
    ['a machine without the scope', async () => bearer((await the.carol.createMachine()).token), 401, 'invalid_token'],
    ['an invented machine', async () => bearer(`tok_${'A'.repeat(48)}`), 401, 'invalid_token'],
    ['an invented cookie', async () => ({ cookie: 'mcp_pages=eyJhbGciOiJkaXIifQ.a.b.c.d' }), 401, 'unauthorized'],
    [
      'who says that Access let them in',
      async () => ({ 'cf-access-jwt-assertion': 'eyJhbGciOiJub25lIn0.e30.' }),
      401,
      'unauthorized',
    ],
    [
      'a wrong token on top of a good cookie',
      async () => ({ ...the.carol.headers, ...bearer('nonsense') }),
      401,
      'invalid_token',
    ],
    ['a page of another origin', async () => ({ ...the.carol.headers, origin: 'https://evil.example' }), 403, 'forbidden_origin'],
    ['a page that hides its origin', async () => ({ ...the.carol.headers, origin: 'null' }), 403, 'forbidden_origin'],
    ['a page of another site', async () => ({ ...the.carol.headers, 'sec-fetch-site': 'cross-site' }), 403, 'forbidden_origin'],
    ['a page of a sibling', async () => ({ ...the.carol.headers, 'sec-fetch-site': 'same-site' }), 403, 'forbidden_origin'],
    [
      'her own browser without the token',
      async () => ({ cookie: the.carol.headers['cookie'] ?? '' }),
      403,
      'csrf_token_wrong',
      'POST',
    ],
    [
      'her own browser with a wrong token',
      async () => ({ ...the.carol.headers, 'x-csrf-token': 'x' }),
      403,
      'csrf_token_wrong',
      'POST',
    ],
    ['a form', async () => ({ ...the.carol.headers, 'content-type': 'text/plain' }), 400, 'invalid_request', 'POST'],
  ]

  test.for(attackers)('%s: every route refuses, and nothing is changed', async ([, headersOf, status, code, only]) => {
    const program = new AdminProgram(the.world.brokerUrl, await headersOf())
    secrets.push(...Object.values(program.headers).filter((text) => text.length > 30))
    const before = JSON.stringify(await the.carol.see('/receipts'))
    for (const [method, path, body] of await routes()) {
      if (only !== undefined && method !== only) continue
      const answer = method === 'GET' ? await program.get(path) : await program.post(path, body)
      const text = await answer.text()
      said.push(text)
      expect([path, answer.status, JSON.parse(text).error]).toEqual([path, status, code])
      expect([answer.headers.get('set-cookie'), answer.headers.get('access-control-allow-origin')]).toEqual([null, null])
    }
    expect(JSON.stringify(await the.carol.see('/receipts'))).toBe(before)
  })

  test('who is signed in and tries is noted', async () => {
    const { events } = await the.carol.see('/events?type=administration_refused')
    expect(events).toMatchObject([{ actorName: 'alice@example.com' }])
  })

  test.for(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s, which it does not know', async (method) => {
    const answer = await fetch(`${the.world.brokerUrl}/admin/api/people`, { method, headers: the.carol.headers })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})

test('59. logout-all: whatever was handed out before is worth nothing after, and a new sign-in is', async () => {
  const pairs = [await the.client.signIn('bob'), await the.client.signIn('bob')]
  pairs.push(tokensOf(await the.client.refresh(pairs[0]?.refreshToken ?? '')))
  const code = await the.client.code('bob')
  secrets.push(...pairs.flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken]), code.code)
  const sub = await subOf('bob@example.com')
  expect(await the.carol.revoke({ what: 'person', sub }, 'logged out everywhere')).toMatchObject({ state: 'done', grants: 3 })
  for (const { accessToken, refreshToken } of pairs) {
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect((await the.client.refresh(refreshToken)).status).toBe(400)
  }
  expect((await the.client.redeem(code)).status).toBe(400)
  expect(await statusWith(the.world.mcpUrl, (await the.client.signIn('bob')).accessToken)).toBe(200)
})

test('56. leakage on the surfaces of administration: no credential shows in an answer, an event, a receipt or the log', async () => {
  const { token } = await the.carol.createMachine({ scopes: ['mcp', 'admin'], name: 'Canary' })
  secrets.push(token)
  await statusWith(the.world.mcpUrl, token)
  await new AdminProgram(the.world.brokerUrl, { authorization: `Bearer ${token}` }).get('/people?search=canary')
  await the.client.token({ grant_type: 'client_credentials', client_id: token, client_secret: token, scope: token })
  await the.carol.post('/revocations', { target: { what: token }, reason: token })
  const { people } = await the.carol.see('/people')
  for (const path of ['/people', '/clients', '/machines', '/receipts', '/overview', '/openapi.json'])
    said.push(JSON.stringify(await the.carol.see(path)))
  for (const { sub } of people) said.push(JSON.stringify(await the.carol.see(`/people/${sub}`)))
  for (const format of ['json', 'jsonl', 'csv']) said.push(await (await the.carol.get(`/events?format=${format}`)).text())

  const all = secrets.flatMap((secret) => secret.replace(/^(Bearer |mcp_pages=)/, '')).filter((secret) => secret.length > 20)
  expect(all.length).toBeGreaterThan(10)
  expect(all.filter((secret) => said.some((text) => text.includes(secret)))).toEqual([])
  const logged = the.world.logs.map(({ message }) => message)
  expect(logged.length).toBeGreaterThan(20)
  expect(all.filter((secret) => logged.some((line) => line.includes(secret)))).toEqual([])
  expect(logged.filter((line) => /tok_[\w-]{20}/.test(line))).toEqual([])
})

async function ordinary(): Promise<AdminProgram> {
  return new AdminProgram(the.world.brokerUrl, {
    cookie: await pagesCookie(the.world.brokerUrl, 'alice'),
    'x-csrf-token': 'none',
  })
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` }
}
