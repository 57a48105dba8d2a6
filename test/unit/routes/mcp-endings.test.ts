// How requests end: the client leaves, the leash is pulled, the downstream does not answer, the person is not admitted.
import { describe, expect, test } from 'vitest'
import type { Admission } from '../../../src/session/contract/admission.ts'
import { freePort } from '../../world/listening.ts'
import type { RawHandler } from '../../world/raw-downstream.ts'
import { bearer, brokered, orderOf, refusalOf } from '../mcp/brokered.ts'
import { serverBehind } from '../mcp/server-behind.ts'

const legacyCall = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }

const openStream: RawHandler = (_req, _body, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write('data: 1\n\n')
}
const neverAnswer: RawHandler = () => undefined
const dripJson: RawHandler = (_req, _body, res) => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.write('{"a":')
}
const big = { id: '9007199254740993123' }
const failure = (code: string) =>
  `{"jsonrpc":"2.0","id":9007199254740993123,"error":{"code":-32603,"message":"Failed to connect to downstream MCP server","data":{"code":"${code}","request_id":"`
const CHALLENGE =
  'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp", error="invalid_token"'

const downstream = await serverBehind()

describe('when the client leaves', () => {
  test.for<[string, RawHandler]>([
    ['before the answer', neverAnswer],
    ['in the middle of a stream', openStream],
  ])('a modern request is cancelled downstream: %s', async ([, handler]) => {
    downstream.handleWith(handler)
    const client = new AbortController()
    const answer = brokered(downstream.url).modern({}, {}, client.signal)
    const asked = await downstream.requests.find(({ method }) => method === 'POST')
    if (handler === openStream) await answer
    client.abort()
    await asked.closed
    expect(asked.aborted).toBe(true)
    await answer
  })
})

describe('a client that takes no more of a long JSON answer', () => {
  test('lets go of its leash and of the downstream', async () => {
    downstream.handleWith(dripJson)
    const { modern, leashes } = brokered(downstream.url)
    const response = await modern()
    await expect.poll(() => leashes.length, { timeout: 3000 }).toBe(1)
    await response.body?.cancel()
    const asked = await downstream.requests.find(() => true)
    await asked.closed
    expect([asked.aborted, leashes[0]?.closed?.code]).toEqual([true, 1000])
  })
})

describe('when somebody looks at an open stream', () => {
  test('the router says how far it is and what its client has not taken, and the stream goes on', async () => {
    downstream.handleWith((_req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(': a comment is no event\n\ndata: {"a":1}\n\ndata: {"b":2}\n\n')
    })
    const { modern, leashes } = brokered(downstream.url)
    const reader = (await modern()).body?.getReader()
    const traffic = async (): Promise<unknown> => {
      const said = new Promise((resolve) =>
        leashes[0]?.addEventListener('message', (event) => resolve(Reflect.get(event, 'data'))),
      )
      leashes[0]?.send('how_far')
      return JSON.parse(String(await said))
    }
    await reader?.read()
    await expect.poll(traffic).toEqual({ events: 2, bytes: 55, waiting: 55, lastAt: expect.any(Number) })
    await reader?.read()
    await expect.poll(traffic).toMatchObject({ events: 2, bytes: 55, waiting: 0 })
    expect(leashes[0]?.closed).toBeUndefined()
    await reader?.cancel()
  })
})

describe('an answer that is announced as short and is slow', () => {
  test('is leashed like any other, and a pull ends it', async () => {
    downstream.handleWith((_req, _body, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '60000' })
      res.write('{"a":')
    })
    const { modern, leashes } = brokered(downstream.url)
    const answering = modern()
    await expect.poll(() => leashes.length, { timeout: 3000 }).toBe(1)
    leashes[0]?.send('credential_revoked')
    const answer = await answering
    expect(answer.status).toBe(401)
    expect(await refusalOf(answer)).toMatchObject({ error: { data: { code: 'credential_revoked' } } })
    const asked = await downstream.requests.find(() => true)
    await asked.closed
    expect(asked.aborted).toBe(true)
  })

  test('that breaks while it is waited for is answered with 502', async () => {
    downstream.handleWith((_req, _body, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '60000' })
      res.write('{"a":')
      setTimeout(() => res.destroy(), 50)
    })
    expect(await refusalOf(await brokered(downstream.url).modern())).toMatchObject({
      error: { data: { code: 'downstream_broken' } },
    })
  })
})

describe('when the leash is pulled', () => {
  test.for<[string, RawHandler, string, string]>([
    ['a request that streams ends with an error', openStream, 'tools/list', '"id":1,"error":{"code":-32003'],
    ['a subscription ends with its result', openStream, 'subscriptions/listen', '"id":1,"result":{"resultType":"complete"'],
  ])('%s, and its downstream request is over', async ([, handler, method, last]) => {
    downstream.handleWith(handler)
    const { modern, leashes } = brokered(downstream.url)
    const response = await modern({ method })
    const text = response.text()
    const asked = await downstream.requests.find(() => true)
    leashes[0]?.send('credential_revoked')
    expect(leashes[0]?.closed).toBeUndefined()
    leashes[0]?.close(1000, 'credential_revoked')
    // Closing is how the object learns that the revocation is complete.
    expect(leashes[0]?.closed).toEqual({ code: 1000, reason: 'ended' })
    await asked.closed
    expect(asked.aborted).toBe(true)
    expect(await text).toMatch(/: closed: credential_revoked\n\nevent: message\ndata: .*\n\n$/)
    expect(await text).toContain(last)
  })

  test.for<[string, RawHandler, unknown]>([
    ['waits for its answer', neverAnswer, [401, expect.stringContaining('"code":"credential_revoked"')]],
    ['is in the middle of a JSON answer', dripJson, [200, 'cut off']],
  ])('a request that %s for more than a second is cut off', async ([, handler, expected]) => {
    downstream.handleWith(handler)
    const { modern, leashes } = brokered(downstream.url)
    const answer = modern().then(async (response) => [response.status, await response.text().catch(() => 'cut off')])
    const asked = await downstream.requests.find(() => true)
    await expect.poll(() => leashes.length, { timeout: 3000 }).toBe(1)
    leashes[0]?.send('credential_revoked')
    await asked.closed
    expect(asked.aborted).toBe(true)
    expect(await answer).toEqual(expected)
  })

  test('because it broke, the stream ends too: nothing may go on that no revocation could reach', async () => {
    downstream.handleWith(openStream)
    const { modern, leashes } = brokered(downstream.url)
    const response = await modern()
    const text = response.text()
    await downstream.requests.find(() => true)
    leashes[0]?.close(1006)
    expect(await text).toContain(': closed: auth_unavailable')
  })

  test.for<[string, number, number, string]>([
    ['the grant has ended', 410, 401, 'credential_revoked'],
    ['there are too many streams', 429, 429, 'limit_exceeded'],
  ])('before it was opened, because %s, nothing of the stream reaches the client', async ([, leashStatus, status, code]) => {
    downstream.handleWith(openStream)
    const response = await brokered(downstream.url, { leashStatus }).modern()
    expect([response.status, await refusalOf(response)]).toMatchObject([status, { id: 1, error: { data: { code } } }])
    const asked = await downstream.requests.find(() => true)
    await asked.closed
    expect(asked.aborted).toBe(true)
  })
})

describe('a request the downstream does not answer', () => {
  test('gets 502 when nobody is there', async () => {
    const response = await brokered(`http://127.0.0.1:${await freePort()}/mcp`).modern(big)
    expect(response.status).toBe(502)
    expect(await response.text()).toContain(failure('downstream_unreachable'))
  })

  test('gets 502 when the connection breaks', async () => {
    downstream.handleWith((req) => void req.socket.destroy())
    const response = await brokered(downstream.url).modern(big)
    expect([response.status, (await response.text()).startsWith(failure('downstream_unreachable'))]).toEqual([502, true])
  })

  test('gets 504 when it takes too long', async () => {
    downstream.handleWith(() => undefined)
    const response = await brokered(downstream.url, { environment: { DOWNSTREAM_TIMEOUT: '1' } }).modern(big)
    expect([response.status, (await response.text()).startsWith(failure('downstream_timeout'))]).toEqual([504, true])
  })

  test('gets an error in its stream when that breaks, and can find the log line', async () => {
    downstream.handleWith((req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n', () => req.socket.destroy())
    })
    const response = await brokered(downstream.url).modern(big)
    const text = await response.text()
    expect(text).toMatch(
      /^: ok\n\ndata: 1\n\nevent: message\ndata: \{"jsonrpc":"2.0","id":9007199254740993123,"error":.*"downstream_broken"/,
    )
    expect(text).toContain(response.headers.get('x-request-id'))
  })
})

describe('a person who is not admitted', () => {
  test.for<[Admission, number, string, Record<string, string>]>([
    [{ admitted: false, reason: 'credential_revoked' }, 401, 'credential_revoked', { 'www-authenticate': CHALLENGE }],
    [{ admitted: false, reason: 'session_expired' }, 401, 'session_expired', { 'www-authenticate': CHALLENGE }],
    [
      { admitted: false, reason: 'limit_exceeded', retryAfter: 3, rate: { limit: 600, remaining: 0, resetSeconds: 60 } },
      429,
      'limit_exceeded',
      { 'retry-after': '3', 'ratelimit-limit': '600', 'ratelimit-remaining': '0', 'ratelimit-reset': '60' },
    ],
    [{ admitted: false, reason: 'auth_unavailable' }, 503, 'auth_unavailable', { 'retry-after': '5' }],
  ])('is told why: %o', async ([admission, status, code, headers]) => {
    const { modern, post } = brokered(downstream.url, { admission })
    for (const response of [await modern(), await post(legacyCall)]) {
      expect(response.status).toBe(status)
      expect(Object.fromEntries(response.headers)).toMatchObject(headers)
      expect(await refusalOf(response)).toMatchObject({
        id: 1,
        error: { data: { code, request_id: response.headers.get('x-request-id') } },
      })
    }
    expect(downstream.requests.all).toEqual([])
  })
})

describe('one call to the person’s object', () => {
  test('is what an admitted request costs', async () => {
    const { modern, admissions, handedOver, leashes } = brokered(downstream.url)
    await modern()
    expect([admissions.length, handedOver.length, leashes.length]).toEqual([1, 0, 0])
  })

  test('is what a request costs that is handed over', async () => {
    const { post, admissions, handedOver, leashes } = brokered(downstream.url)
    await post(legacyCall)
    expect([admissions.length, handedOver.length, leashes.length]).toEqual([0, 1, 0])
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
    const { ask, admissions, handedOver } = brokered(downstream.url, { environment: { MAX_BODY_BYTES: '1000' } })
    expect((await ask('/mcp', init)).ok).toBe(false)
    expect([admissions, handedOver, downstream.requests.all]).toEqual([[], [], []])
  })
})

test('what is admitted is the caller of the token', async () => {
  const { modern, post, admissions, handedOver } = brokered(downstream.url)
  const theCaller = { sub: 'person', grantId: 'grant', resource: 'https://mcp.example.com/mcp' }
  await modern()
  expect(admissions[0]).toMatchObject(theCaller)
  await post(legacyCall)
  expect(orderOf(handedOver[0])).toMatchObject({ caller: theCaller })
})
