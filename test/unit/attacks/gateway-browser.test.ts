// Attacks that come through somebody's browser, each named after the case it answers.
import { describe, expect, test } from 'vitest'
import type { RawHandler } from '../../world/raw-downstream.ts'
import { bearer, brokered, orderOf } from '../mcp/brokered.ts'
import { serverBehind } from '../mcp/server-behind.ts'

const stream: RawHandler = (_req, _body, res) =>
  void res
    .writeHead(200, {
      'content-type': 'text/event-stream',
      'access-control-allow-origin': 'https://theirs',
      'access-control-allow-credentials': 'true',
    })
    .end()
const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const modernList = { ...list, params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
const json = { ...bearer, 'content-type': 'application/json' }

const downstream = await serverBehind()

describe('42 DNS rebinding', () => {
  test.for<[string, string, string]>([
    ['https://mcp.example.com', 'evil.example.com', '403'],
    ['https://mcp.example.com', 'mcp.example.com.evil.example', '403'],
    ['https://mcp.example.com', 'mcp.example.com:8443', '403'],
    ['https://mcp.example.com', 'localhost', '403'],
    ['https://mcp.example.com', 'mcp.example.com:443', '200'],
    ['https://mcp.example.com', 'MCP.example.com', '200'],
    ['http://localhost:8788', 'evil.example.com', '403'],
    ['http://localhost:8788', '127.0.0.1:8788', '200'],
    ['http://localhost:8788', '[::1]:8788', '200'],
    ['http://localhost:8788', '127.0.0.1:9999', '403'],
  ])('a broker at %s that is called %s answers %s', async ([baseUrl, host, status]) => {
    const { ask } = brokered(downstream.url, { environment: { BASE_URL: baseUrl } })
    const response = await ask('/mcp', { method: 'OPTIONS', headers: { host } })
    expect(response.status).toBe(status === '200' ? 204 : 403)
  })

  test.for<[string, number]>([
    ['https://evil.example.com', 403],
    ['http://mcp.example.com', 403],
    ['https://mcp.example.com.evil.example', 403],
    ['http://localhost.evil.example', 403],
    ['null', 403],
    ['https://mcp.example.com', 200],
    ['http://localhost:6274', 200],
    ['http://127.0.0.1:1', 200],
    ['https://console.example.org', 200],
  ])('a page from %s gets %i', async ([origin, status]) => {
    const environment = { ALLOWED_ORIGINS: 'https://console.example.org' }
    const { modern, post, admissions, handedOver } = brokered(downstream.url, { environment })
    const calls = status === 200 ? 1 : 0
    expect([(await modern({}, { origin })).status, admissions.length]).toEqual([status, calls])
    expect([(await post(list, { origin })).status, handedOver.length]).toEqual([status, calls])
    expect(downstream.requests.all.some(({ headers }) => 'origin' in headers)).toBe(false)
    expect(handedOver.some((request) => 'origin' in orderOf(request).headers)).toBe(false)
  })
})

describe('a page without an origin', () => {
  test.for<[string, string, number]>([
    ['is refused', 'https://console.example.org', 403],
    ['gets what its token opens where the operator allows null', 'https://console.example.org, null', 200],
  ])('%s', async ([, ALLOWED_ORIGINS, status]) => {
    const { post } = brokered(downstream.url, { environment: { ALLOWED_ORIGINS } })
    const answer = await post(list, { origin: 'null' })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([status, '*'])
    expect(answer.headers.has('access-control-allow-credentials')).toBe(false)
    expect((await post(list, { origin: 'https://evil.example' })).status).toBe(403)
  })

  test('gets nothing for a cookie, whoever is allowed', async () => {
    const { ask } = brokered(downstream.url, { environment: { ALLOWED_ORIGINS: 'null' } })
    const headers = { origin: 'null', cookie: 'mcp_pages=anything', 'content-type': 'application/json' }
    expect((await ask('/mcp', { method: 'POST', headers, body: JSON.stringify(list) })).status).toBe(401)
  })
})

describe('43 CORS', () => {
  test('a preflight needs no token and may ask for any header', async () => {
    const { ask, admissions } = brokered(downstream.url)
    const asked = 'authorization, content-type, mcp-param-anything'
    const response = await ask('/mcp', {
      method: 'OPTIONS',
      headers: { origin: 'https://anywhere.example', 'access-control-request-headers': asked },
    })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-methods')).toBe('GET, POST, DELETE, OPTIONS')
    expect(response.headers.get('access-control-allow-headers')).toBe(asked)
    expect(admissions).toEqual([])
  })

  test.for<[string, RequestInit, number]>([
    ['an answer of the object', { method: 'POST', headers: json, body: JSON.stringify(list) }, 200],
    ['a stream', { method: 'POST', headers: { ...json, ...modernHeaders }, body: JSON.stringify(modernList) }, 200],
    ['a missing token', {}, 401],
    ['a foreign origin', { headers: { ...bearer, origin: 'https://evil.example' } }, 403],
    ['a wrong method', { method: 'PUT', headers: bearer }, 405],
    ['a broken body', { method: 'POST', headers: json, body: '{' }, 400],
  ])('a page can read %s', async ([, init, status]) => {
    downstream.handleWith(stream)
    const response = await brokered(downstream.url).ask('/mcp', init)
    await response.body?.cancel()
    const exposed = response.headers.get('access-control-expose-headers')?.toLowerCase().split(', ')
    expect(response.status).toBe(status)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.has('access-control-allow-credentials')).toBe(false)
    expect(exposed).toEqual(
      expect.arrayContaining(['www-authenticate', 'mcp-session-id', 'mcp-protocol-version', 'last-event-id', 'retry-after']),
    )
  })
})
