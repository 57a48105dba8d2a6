// How requests end: the client leaves, the downstream does not answer, the person is not admitted.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Admission } from '../../../src/session/admission.ts'
import { freePort } from '../../world/listening.ts'
import { startRawDownstream, type RawDownstream, type RawHandler } from '../../world/raw-downstream.ts'
import { bearer, brokered, refusalOf } from './brokered.ts'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const legacyCall = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }
const modernCall = { ...legacyCall, params: { name: 'echo', _meta: { [VERSION]: '2026-07-28' } } }
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }

const sayOk: RawHandler = (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
const openStream: RawHandler = (_req, _body, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write('data: 1\n\n')
}
const neverAnswer: RawHandler = () => undefined
const big = '{"jsonrpc":"2.0","id":9007199254740993123,"method":"tools/list"}'
const failure = (code: string) =>
  `{"jsonrpc":"2.0","id":9007199254740993123,"error":{"code":-32603,"message":"Failed to connect to downstream MCP server","data":{"code":"${code}","request_id":"`

let downstream: RawDownstream
beforeAll(async () => {
  downstream = await startRawDownstream(sayOk)
})
beforeEach(() => {
  downstream.requests.forget()
  downstream.handleWith(sayOk)
})
afterAll(async () => await downstream.close())

describe('when the client leaves', () => {
  test.for<[string, RawHandler]>([
    ['before the answer', neverAnswer],
    ['in the middle of a stream', openStream],
  ])('a modern request is cancelled downstream: %s', async ([, handler]) => {
    downstream.handleWith(handler)
    const client = new AbortController()
    const answer = brokered(downstream.url).post(modernCall, modernHeaders, client.signal)
    const asked = await downstream.requests.find(({ method }) => method === 'POST')
    if (handler === openStream) await answer
    client.abort()
    await asked.closed
    expect(asked.aborted).toBe(true)
    await answer
  })

  test('the standing stream of a legacy session is closed downstream', async () => {
    downstream.handleWith(openStream)
    const response = await brokered(downstream.url).ask('/mcp', { headers: { ...bearer, accept: 'text/event-stream' } })
    await response.body?.cancel()
    const asked = await downstream.requests.find(({ method }) => method === 'GET')
    await asked.closed
    expect(asked.aborted).toBe(true)
  })

  test('a legacy call goes on to its end', async () => {
    const left = Promise.withResolvers<void>()
    downstream.handleWith(async (_req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n')
      await left.promise
      res.end('data: 2\n\n')
    })
    const { post, background } = brokered(downstream.url)
    const client = new AbortController()
    const response = await post(legacyCall, {}, client.signal)
    client.abort()
    await response.body?.cancel()
    left.resolve()
    await Promise.all(background)
    const asked = await downstream.requests.find(({ closedAt }) => closedAt !== undefined)
    expect([background.length, asked.aborted]).toEqual([1, false])
  })
})

describe('a request the downstream does not answer', () => {
  test('gets 502 when nobody is there', async () => {
    const response = await brokered(`http://127.0.0.1:${await freePort()}/mcp`).post(big)
    expect(response.status).toBe(502)
    expect(await response.text()).toContain(failure('downstream_unreachable'))
  })

  test('gets 502 when the connection breaks', async () => {
    downstream.handleWith((req) => void req.socket.destroy())
    const response = await brokered(downstream.url).post(big)
    expect([response.status, (await response.text()).startsWith(failure('downstream_unreachable'))]).toEqual([502, true])
  })

  test('gets 504 when it takes too long', async () => {
    downstream.handleWith(() => undefined)
    const response = await brokered(downstream.url, { environment: { DOWNSTREAM_TIMEOUT: '1' } }).post(big)
    expect([response.status, (await response.text()).startsWith(failure('downstream_timeout'))]).toEqual([504, true])
  })

  test('gets an error in its stream when that breaks, and can find the log line', async () => {
    downstream.handleWith((req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n', () => req.socket.destroy())
    })
    const response = await brokered(downstream.url).post(big)
    const text = await response.text()
    expect(text).toMatch(
      /^: ok\n\ndata: 1\n\nevent: message\ndata: \{"jsonrpc":"2.0","id":9007199254740993123,"error":.*"downstream_broken"/,
    )
    expect(text).toContain(response.headers.get('x-request-id'))
  })
})

describe('a person who is not admitted', () => {
  test.for<[Admission, number, string, Record<string, string>]>([
    [
      { admitted: false, reason: 'credential_revoked' },
      401,
      'credential_revoked',
      {
        'www-authenticate':
          'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp", error="invalid_token"',
      },
    ],
    [
      { admitted: false, reason: 'session_expired' },
      401,
      'session_expired',
      {
        'www-authenticate':
          'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp", error="invalid_token"',
      },
    ],
    [
      { admitted: false, reason: 'limit_exceeded', retryAfter: 3, rate: { limit: 600, remaining: 0, resetSeconds: 60 } },
      429,
      'limit_exceeded',
      { 'retry-after': '3', 'ratelimit-limit': '600', 'ratelimit-remaining': '0', 'ratelimit-reset': '60' },
    ],
    [{ admitted: false, reason: 'auth_unavailable' }, 503, 'auth_unavailable', { 'retry-after': '5' }],
  ])('is told why: %o', async ([admission, status, code, headers]) => {
    const response = await brokered(downstream.url, { admission }).post(legacyCall)
    expect(response.status).toBe(status)
    expect(Object.fromEntries(response.headers)).toMatchObject(headers)
    expect(await refusalOf(response)).toMatchObject({
      id: 1,
      error: { data: { code, request_id: response.headers.get('x-request-id') } },
    })
    expect(downstream.requests.all).toEqual([])
  })
})

describe('one call to the person’s object', () => {
  test('is what an admitted request costs', async () => {
    const { post, admissions } = brokered(downstream.url)
    await post(legacyCall)
    expect(admissions).toHaveLength(1)
  })

  test.for<[string, RequestInit]>([
    ['no token', {}],
    ['an invalid token', { headers: { authorization: 'Bearer forged' } }],
    ['a body that is no message', { method: 'POST', headers: { ...bearer, 'content-type': 'application/json' }, body: '{' }],
    [
      'a body too large',
      { method: 'POST', headers: { ...bearer, 'content-type': 'application/json' }, body: `"${'x'.repeat(2000)}"` },
    ],
  ])('is not made for %s', async ([, init]) => {
    const { ask, admissions } = brokered(downstream.url, { environment: { MAX_BODY_BYTES: '1000' } })
    expect((await ask('/mcp', init)).ok).toBe(false)
    expect([admissions, downstream.requests.all]).toEqual([[], []])
  })
})

test('what is admitted is the caller of the token', async () => {
  const { post, admissions } = brokered(downstream.url, {})
  await post(legacyCall)
  expect(admissions[0]).toMatchObject({ sub: 'person', grantId: 'grant', resource: 'https://mcp.example.com/mcp' })
})
