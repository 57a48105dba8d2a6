// Attacks on the stream side, each named after the case it answers (the numbers of docs/attacks.md).
import { describe, expect, test } from 'vitest'
import { bearer, bodyOf, brokered, orderOf, refusalOf, TOKEN } from '../mcp/brokered.ts'
import { serverBehind } from '../mcp/server-behind.ts'

const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const json = { ...bearer, 'content-type': 'application/json' }

const downstream = await serverBehind()

const errorCode = (code: string) =>
  expect.objectContaining({ error: expect.objectContaining({ data: expect.objectContaining({ code }) }) })

describe('27 token passthrough', () => {
  test.for([
    ['to a downstream with credentials of ours', 'identity-jwt'],
    ['to a downstream without any', 'none'],
  ] as const)('the client’s bearer is forwarded nowhere: %s', async ([, mode]) => {
    const identity = { issuer: 'https://idp.example', subject: 'u-1', groups: [] }
    const rate = { limit: 1, remaining: 1, resetSeconds: 0 }
    const authorization = mode === 'none' ? {} : { authorization: 'Bearer ours' }
    const { modern } = brokered(downstream.url, { admission: { admitted: true, identity, rate, ...authorization } })
    await modern({}, { 'x-forwarded-access-token': TOKEN, cookie: `token=${TOKEN}`, 'proxy-authorization': `Bearer ${TOKEN}` })
    expect(JSON.stringify(downstream.requests.last?.headers)).not.toContain(TOKEN)
    expect(downstream.requests.last?.headers.authorization).toBe(mode === 'none' ? undefined : 'Bearer ours')
  })
})

describe('28 spoofed identity headers', () => {
  test('none of them reaches the downstream, however it is spelled', async () => {
    const names = [
      'X-User-Email',
      'x-user-sub',
      'X-USER-GROUPS',
      'X_User_Email',
      'X-User-Role',
      'X-Forwarded-User',
      'X-Forwarded-Email',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Access-Token',
      'Forwarded',
      'X-Real-IP',
      'Cf-Access-Jwt-Assertion',
      'Cf-Access-Authenticated-User-Email',
      'Cf-Connecting-IP',
      'Cookie',
      'X-Auth-Context',
      'X-Remote-User',
      'Remote-User',
      'X-Authenticated-User',
      'Proxy-Authorization',
    ]
    const headers = new Headers([...names, ...names].map((name) => [name, 'mallory']))
    const { modern, post, handedOver } = brokered(downstream.url)
    expect((await modern({}, Object.fromEntries(headers))).status).toBe(200)
    expect(JSON.stringify(downstream.requests.last?.headers)).not.toContain('mallory')
    expect(downstream.requests.last?.headers['x-user-email']).toBe('ada@example.com')
    expect((await post(list, Object.fromEntries(headers))).status).toBe(200)
    expect(JSON.stringify([...(handedOver[0]?.headers ?? [])])).not.toContain('mallory')
  })
})

describe('29 internal headers', () => {
  test('none of them reaches the downstream or changes what happens', async () => {
    const internal = [
      'X-Agents-Something',
      'x-partykit-room',
      'X-Partykit-Namespace',
      'x-broker-leash',
      'X-Broker-Order',
      'X-Broker-Answer',
      'Cf-Worker',
      'Cf-Ew-Via',
      'X-Request-Id',
      'X-HTTP-Method-Override',
      'X-Original-URL',
      'X-Rewrite-URL',
      'Origin-Url',
    ]
    const theirs = Object.fromEntries(internal.map((name) => [name, 'mallory']))
    const { modern, post, handedOver } = brokered(downstream.url)
    const response = await modern({}, theirs)
    expect(response.status).toBe(200)
    expect(response.headers.get('x-request-id')).not.toBe('mallory')
    expect(downstream.requests.last).toMatchObject({ method: 'POST', path: '/mcp' })
    expect(JSON.stringify(downstream.requests.last?.headers)).not.toContain('mallory')
    expect((await post(list, theirs)).headers.get('x-broker-answer')).toBeNull()
    expect(JSON.stringify([...(handedOver[0]?.headers ?? [])])).not.toContain('mallory')
  })
})

describe('38 header and body that disagree', () => {
  const modern = { ...list, params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }

  test.for<[string, Record<string, string>]>([
    ['another method', { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call' }],
    ['no method', { 'mcp-protocol-version': '2026-07-28' }],
    ['another version', { 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'tools/list' }],
  ])('a modern request with %s in its headers is refused', async ([, headers]) => {
    const response = await brokered(downstream.url).post(modern, headers)
    expect(response.status).toBe(400)
    expect(await refusalOf(response)).toMatchObject({ id: 1, error: { code: -32020 } })
    expect(downstream.requests.all).toEqual([])
  })

  test.for<[string, Record<string, string>]>([
    ['the method of an earlier probe still in its headers', { 'mcp-method': 'server/discover' }],
    ['its own method in its headers', { 'mcp-method': 'initialize' }],
  ])(
    'a known client that opens a legacy session with %s works, and nobody behind the broker is told that',
    async ([, headers]) => {
      const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } }
      const { post, handedOver } = brokered(downstream.url)
      expect((await post(initialize, headers)).status).toBe(200)
      expect(orderOf(handedOver[0]).headers).not.toHaveProperty('mcp-method')
    },
  )
})

describe('39 a body that two parsers read differently', () => {
  test.for<[string, string]>([
    ['a key in two cases', '{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}'],
    ['a key twice', '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}'],
    ['an escape that repeats a key', '{"jsonrpc":"2.0","id":1,"method":"tools/list","metho\\u0064":"tools/call"}'],
    ['a nest of arrays', `{"jsonrpc":"2.0","id":1,"method":"a","params":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}`],
    ['half a surrogate pair', '{"jsonrpc":"2.0","id":1,"method":"tools/\\ud800"}'],
  ])('is refused: %s', async ([, body]) => {
    const { post, handedOver } = brokered(downstream.url)
    const response = await post(body)
    expect([response.status, await refusalOf(response)]).toEqual([400, errorCode('ambiguous_json')])
    expect([handedOver, downstream.requests.all]).toEqual([[], []])
  })

  test('huge numbers are nobody’s but the downstream’s', async () => {
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"n":123456789012345678901234567890e400}}}'
    const { post, handedOver } = brokered(downstream.url)
    expect((await post(body)).status).toBe(200)
    expect(orderOf(handedOver[0]).body).toBe(body)
  })
})

describe('40 batch smuggling', () => {
  const batch = [list, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'delete' } }]

  test.for(['2025-06-18', '2025-11-25', '2026-07-28'])('a batch under %s is refused', async (version) => {
    const { post, handedOver } = brokered(downstream.url)
    const response = await post(batch, { 'mcp-protocol-version': version })
    expect([response.status, await refusalOf(response)]).toEqual([400, errorCode('batch_not_allowed')])
    expect([handedOver, downstream.requests.all]).toEqual([[], []])
  })

  test('a modern message in a batch is refused, a batch of the one era that has them passes', async () => {
    const { post, handedOver } = brokered(downstream.url)
    const modern = { ...list, params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }
    expect(await refusalOf(await post([list, modern]))).toEqual(errorCode('batch_not_allowed'))
    expect((await post(batch)).status).toBe(200)
    expect(orderOf(handedOver[0])).toMatchObject({ kind: 'batch', requestIds: ['1', '2'], count: 2 })
  })
})

describe('28 headers an operator lets through', () => {
  const environment = { DOWNSTREAM_PASS_HEADERS: 'X-MCP-Toolsets', DOWNSTREAM_AUTH: 'none' }
  const sent = { 'x-mcp-toolsets': 'issues', 'x-mcp-readonly': '1', 'x-user-email': 'eve@example.com' }

  test('pass in both eras; what is not named, and what says who somebody is, does not', async () => {
    const { modern, post, handedOver } = brokered(downstream.url, { environment })
    await modern({}, sent)
    await post(list, sent)
    const seen = [downstream.requests.last?.headers, orderOf(handedOver[0]).headers]
    for (const headers of seen) {
      expect(headers).toMatchObject({ 'x-mcp-toolsets': 'issues' })
      expect(headers).not.toHaveProperty('x-mcp-readonly')
      expect(Object.values(headers ?? {})).not.toContain('eve@example.com')
    }
  })

  test('stay behind where they hold what no runtime agrees about', async () => {
    const { modern } = brokered(downstream.url, { environment })
    await modern({}, { 'x-mcp-toolsets': 'caf\u00e9' })
    expect(downstream.requests.last?.headers).not.toHaveProperty('x-mcp-toolsets')
  })

  test('may be asked for by a page', async () => {
    const headers = { origin: 'http://localhost:6274', 'access-control-request-headers': 'authorization, x-mcp-toolsets' }
    const answer = await brokered(downstream.url, { environment }).ask('/mcp', { method: 'OPTIONS', headers })
    expect(answer.headers.get('access-control-allow-headers')).toContain('x-mcp-toolsets')
  })
})

describe('41 traffic that is no MCP', () => {
  test.for(['PUT', 'PATCH', 'HEAD', 'PROPFIND'])('%s is answered 405', async (method) => {
    const { ask, admissions, handedOver } = brokered(downstream.url)
    const response = await ask('/mcp', { method, headers: bearer })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE, OPTIONS'])
    expect([admissions, handedOver, downstream.requests.all]).toEqual([[], [], []])
  })

  test.for([
    '//mcp',
    '/%6dcp',
    '/mcp%2f',
    '/mcp/..%2fadmin',
    '/mcp/%2e%2e/admin',
    '/mcp/%2e%2e%2fadmin',
    '/x/../mcpx',
    '/mcp/a%5c..%5cb',
    '/mcp/%00',
    '/MCP',
  ])('the path %s leads nowhere', async (path) => {
    const { ask, admissions, handedOver } = brokered(downstream.url)
    const response = await ask(`https://mcp.example.com${path}`, { headers: bearer })
    expect(response.status).toBe(404)
    expect([admissions, handedOver, downstream.requests.all]).toEqual([[], [], []])
  })

  test.for([
    'text/plain',
    'application/json-seq',
    'multipart/form-data',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    '',
  ])('a body that calls itself "%s" is refused', async (type) => {
    const { post, admissions, handedOver } = brokered(downstream.url)
    const response = await post(list, { 'content-type': type })
    expect([response.status, await refusalOf(response)]).toEqual([415, errorCode('unsupported_media_type')])
    expect([admissions, handedOver, downstream.requests.all]).toEqual([[], [], []])
  })

  test('a compressed body is refused before anything unpacks it', async () => {
    const response = await brokered(downstream.url).post(list, { 'content-encoding': 'gzip' })
    expect(response.status).toBe(415)
  })
})

describe('44 a body too large', () => {
  test.for<[string, BodyInit, Record<string, string>]>([
    ['is refused by what it announces', '{}', { 'content-length': '99999999' }],
    ['is refused while it arrives', bodyOf([new Uint8Array(800), new Uint8Array(800)]), {}],
  ])('%s', async ([, body, headers]) => {
    const init = { method: 'POST', headers: { ...json, ...headers }, body, duplex: 'half' }
    const { ask, admissions } = brokered(downstream.url, { environment: { MAX_BODY_BYTES: '1000' } })
    const response = await ask('/mcp', init)
    expect([response.status, await refusalOf(response), admissions]).toEqual([413, errorCode('body_too_large'), []])
  })
})
