// The stream side of the broker over real HTTP: what reaches a downstream, what comes back, and what is said instead.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startRawDownstream, type RawDownstream, type RawHandler } from '../../world/raw-downstream.ts'
import { bearer, brokered } from './brokered.ts'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const legacyCall = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }
const modernCall = { ...legacyCall, params: { name: 'echo', _meta: { [VERSION]: '2026-07-28' } } }
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }

const sayOk: RawHandler = (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
const sayEvent: RawHandler = (_req, _body, res) =>
  void res.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\ndata: {"x":1}\n\n')

let downstream: RawDownstream
beforeAll(async () => {
  downstream = await startRawDownstream(sayOk)
})
beforeEach(() => {
  downstream.requests.forget()
  downstream.handleWith(sayOk)
})
afterAll(async () => await downstream.close())

describe('bytes pass unchanged', () => {
  const odd =
    ' {"jsonrpc" : "2.0",\r\n\t"id":9007199254740993123, "method":"tools/call", "z":0.10, "params":{"name":"echo","arguments":{"a":1,"a":2,"n":1e999,"s":"\\u00e9é\\/"}} }\n'

  test('of a request', async () => {
    expect((await brokered(downstream.url).post(odd)).status).toBe(200)
    expect(downstream.requests.last?.body.toString()).toBe(odd)
  })

  test('of a JSON answer', async () => {
    const answer = Buffer.from(' {"id":9007199254740993123,"result":{"b":1,"a":1,"a":2}}\r\n\uFFFD\0')
    downstream.handleWith(
      (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(answer),
    )
    const response = await brokered(downstream.url).post(odd)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(answer)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  })
})

describe('to the downstream go', () => {
  const protocol = {
    'mcp-session-id': 's-1',
    'last-event-id': 'e-1',
    'mcp-param-region': 'eu',
    'mcp-param-x-y': '=?base64?w6k=?=',
    traceparent: '00-a',
    baggage: 'k=v',
    'user-agent': 'client/1',
  }

  test('the headers of a legacy message, with its session', async () => {
    await brokered(downstream.url).post(legacyCall, {
      ...protocol,
      'mcp-protocol-version': '2025-11-25',
      'mcp-method': 'tools/call',
    })
    expect(downstream.requests.last?.headers).toMatchObject({
      ...protocol,
      'mcp-protocol-version': '2025-11-25',
      'mcp-method': 'tools/call',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'accept-encoding': 'identity',
    })
  })

  test('the headers of a modern message, without a session', async () => {
    await brokered(downstream.url).post(modernCall, { ...protocol, ...modernHeaders })
    const { headers } = downstream.requests.last ?? {}
    expect(headers).toMatchObject({
      ...modernHeaders,
      'mcp-param-region': 'eu',
      'mcp-param-x-y': '=?base64?w6k=?=',
      traceparent: '00-a',
    })
    expect(headers).not.toHaveProperty('mcp-session-id')
    expect(headers).not.toHaveProperty('last-event-id')
  })

  test('no protocol version where the client named none', async () => {
    await brokered(downstream.url).post(legacyCall)
    expect(downstream.requests.last?.headers).not.toHaveProperty('mcp-protocol-version')
  })

  test('the identity of the person and the credentials of the broker', async () => {
    await brokered(downstream.url).post(legacyCall)
    expect(downstream.requests.last?.headers).toMatchObject({
      authorization: 'Bearer identity-jwt',
      'x-user-email': 'ada@example.com',
      'x-user-sub': 'u-1',
      'x-user-groups': 'staff',
    })
  })

  test('GET and DELETE of a session, path suffixes and queries', async () => {
    const { ask } = brokered(downstream.url)
    await ask('/mcp', { headers: { ...bearer, accept: 'text/event-stream', 'mcp-session-id': 's-1', 'last-event-id': '7' } })
    expect(downstream.requests.last).toMatchObject({
      method: 'GET',
      path: '/mcp',
      headers: { 'mcp-session-id': 's-1', 'last-event-id': '7' },
    })
    await ask('/mcp/', { method: 'DELETE', headers: { ...bearer, 'mcp-session-id': 's-1' } })
    expect(downstream.requests.last).toMatchObject({ method: 'DELETE', path: '/mcp', headers: { 'mcp-session-id': 's-1' } })
    await ask('/mcp/a%20b/c?d=e', { headers: bearer })
    expect(downstream.requests.last?.path).toBe('/mcp/a%20b/c?d=e')
  })
})

describe('from the downstream come', () => {
  test.for([200, 400, 403, 404, 405, 406, 409, 413, 415, 429, 500, 503])('its status %i with its body', async (status) => {
    downstream.handleWith((_req, _body, res) => {
      res.writeHead(status, {
        'content-type': 'application/json',
        'retry-after': '7',
        allow: 'POST',
        'www-authenticate': 'Bearer realm="x"',
      })
      res.end('{"error":"theirs"}')
    })
    const response = await brokered(downstream.url).post(legacyCall)
    expect(response.status).toBe(status)
    expect(await response.text()).toBe('{"error":"theirs"}')
    expect(response.headers.get('retry-after')).toBe('7')
    expect(response.headers.get('allow')).toBe('POST')
    expect(response.headers.has('www-authenticate')).toBe(false)
  })

  test('no body behind a 202', async () => {
    downstream.handleWith((_req, _body, res) => void res.writeHead(202, { 'content-type': 'text/plain' }).end('Accepted'))
    const response = await brokered(downstream.url).post({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect([response.status, await response.text()]).toEqual([202, ''])
  })

  test('the id of a session in the legacy eras alone', async () => {
    downstream.handleWith(
      (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's-9' }).end('{}'),
    )
    const { post } = brokered(downstream.url)
    expect((await post(legacyCall)).headers.get('mcp-session-id')).toBe('s-9')
    expect((await post(modernCall, modernHeaders)).headers.has('mcp-session-id')).toBe(false)
  })

  test('events with their ids in the legacy eras alone, in a form that nothing holds back', async () => {
    downstream.handleWith(sayEvent)
    const { post } = brokered(downstream.url)
    const legacy = await post(legacyCall)
    expect(await legacy.text()).toBe(': ok\n\nid: 1\ndata: {"x":1}\n\n')
    expect(legacy.headers.get('content-type')).toBe('text/event-stream')
    expect(legacy.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(legacy.headers.get('x-accel-buffering')).toBe('no')
    expect(await (await post(modernCall, modernHeaders)).text()).toBe(': ok\n\ndata: {"x":1}\n\n')
  })

  test('events one by one, not when the last one is there', async () => {
    const second = Promise.withResolvers<void>()
    downstream.handleWith(async (_req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n')
      await second.promise
      res.end('data: 2\n\n')
    })
    const { body } = await brokered(downstream.url).post(legacyCall)
    const texts = body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await texts?.read())?.value).toBe(': ok\n\n')
    expect((await texts?.read())?.value).toBe('data: 1\n\n')
    second.resolve()
    expect((await texts?.read())?.value).toBe('data: 2\n\n')
  })

  test('the state of the rate limit', async () => {
    const { headers } = await brokered(downstream.url).post(legacyCall)
    expect([headers.get('ratelimit-limit'), headers.get('ratelimit-remaining'), headers.get('ratelimit-reset')]).toEqual([
      '600',
      '599',
      '1',
    ])
  })
})
