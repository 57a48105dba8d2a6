// The stream side inside workerd, against a downstream scripted byte by byte: what only the real runtime can show.
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { brokerBefore } from '../world/broker-before.ts'
import { fixture } from '../world/fixture.ts'
import { startRawDownstream, type RawHandler } from '../world/raw-downstream.ts'

const legacy = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }
const modern = { ...legacy, params: { name: 'echo', _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } } }
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }

const sayOk: RawHandler = (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
const openStream: RawHandler = (_req, _body, res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.flushHeaders()
}

const the = fixture(async (closing) => {
  const downstream = await closing(startRawDownstream(sayOk))
  return { downstream, ...(await brokerBefore(closing, downstream)) }
})

beforeEach(() => {
  the.downstream.requests.forget()
  the.downstream.handleWith(sayOk)
})

interface Asked {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string
}

/** Through node:http, which sends what it is given: fetch would refuse a Host of ours or join headers that come twice. */
async function ask({ method = 'POST', headers = {}, body = JSON.stringify(legacy) }: Asked): Promise<IncomingMessage> {
  const asked = request(the.world.mcpUrl, {
    method,
    agent: false,
    headers: {
      authorization: `Bearer ${the.token}`,
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      accept: 'application/json, text/event-stream',
      ...headers,
    },
  })
  asked.end(method === 'POST' ? body : undefined)
  const [answer] = await once(asked, 'response')
  return answer
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return text
}

describe('a client that leaves', () => {
  test('cancels a modern request that has not been answered', async () => {
    the.downstream.handleWith(() => undefined)
    const asked = request(the.world.mcpUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${the.token}`, 'content-type': 'application/json', ...modernHeaders },
    })
    asked.on('error', () => undefined).end(JSON.stringify(modern))
    const seen = await the.downstream.requests.find(({ method }) => method === 'POST')
    // A connection that is only closed, not reset, looks half-open until something is written to it.
    asked.socket?.resetAndDestroy()
    await seen.closed
    expect(seen.aborted).toBe(true)
  })

  test('cancels a modern request whose answer streams', async () => {
    the.downstream.handleWith(openStream)
    const answer = await ask({ headers: modernHeaders, body: JSON.stringify(modern) })
    const seen = await the.downstream.requests.find(({ method }) => method === 'POST')
    answer.destroy()
    await seen.closed
    expect(seen.aborted).toBe(true)
  })

  test('does not cancel a call of the legacy eras', async () => {
    const left = Promise.withResolvers<void>()
    the.downstream.handleWith(async (_req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n')
      await left.promise
      await sleep(500)
      res.end('data: 2\n\n')
    })
    const answer = await ask({})
    answer.destroy()
    left.resolve()
    const seen = await the.downstream.requests.find(({ closedAt }) => closedAt !== undefined)
    expect(seen.aborted).toBe(false)
  })
})

describe('a stream', () => {
  test('begins before the downstream has said anything', async () => {
    the.downstream.handleWith(openStream)
    const answer = await ask({})
    const [first] = await once(answer, 'data')
    expect([answer.statusCode, String(first)]).toEqual([200, ': ok\n\n'])
    answer.destroy()
  })

  test('is not read from the downstream faster than the client reads it', async () => {
    let written = 0
    the.downstream.handleWith(async (req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = `data: ${'x'.repeat(64 * 1024)}\n\n`
      const gone = once(res, 'close')
      while (!req.socket.destroyed) {
        written += event.length
        if (!res.write(event)) await Promise.race([once(res, 'drain'), gone])
      }
    })
    const answer = await ask({ headers: modernHeaders, body: JSON.stringify(modern) })
    answer.pause()
    await sleep(1500)
    const before = written
    await sleep(500)
    expect(written).toBe(before)
    expect(written).toBeLessThan(32 * 1024 * 1024)
    answer.destroy()
  })
})

test('a request and a JSON answer keep every byte', async () => {
  const odd =
    ' {"jsonrpc" : "2.0",\r\n"id":9007199254740993123,"method":"tools/call","params":{"name":"e","arguments":{"a":1,"a":2}}}\n'
  the.downstream.handleWith(
    (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(`${odd}\0é`),
  )
  const answer = await ask({ body: odd })
  expect(await textOf(answer)).toBe(`${odd}\0é`)
  expect(the.downstream.requests.last?.body.toString()).toBe(odd)
})

test('an answer that comes compressed all the same is read', async () => {
  const said = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'
  the.downstream.handleWith((_req, _body, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(gzipSync(`data: ${said}\n\n`))
  })
  const answer = await ask({ headers: { 'accept-encoding': 'gzip' } })
  expect((await textOf(answer)).replace(/^id: .*\n/m, '')).toBe(`: ok\n\ndata: ${said}\n\n`)
  expect(answer.headers['content-encoding']).toBeUndefined()
})

test('a redirect of the downstream is not followed', async () => {
  the.downstream.handleWith((_req, _body, res) => void res.writeHead(307, { location: '/elsewhere' }).end())
  const answer = await ask({})
  expect([answer.statusCode, answer.headers.location]).toEqual([502, undefined])
  expect(the.downstream.requests.all).toHaveLength(1)
})

describe('a request is refused before it is forwarded when', () => {
  test.for<[string, Asked, number]>([
    ['it names another host', { headers: { host: 'evil.example.com', origin: 'http://evil.example.com' } }, 403],
    ['its page is a stranger’s', { headers: { origin: 'http://evil.example.com' } }, 403],
    ['it brings two credentials', { headers: { authorization: ['Bearer a', 'Bearer b'] } }, 401],
    ['it brings two content types', { headers: { 'content-type': ['application/json', 'text/plain'] } }, 400],
    ['its method is HEAD', { method: 'HEAD' }, 405],
    ['its method is PUT', { method: 'PUT' }, 405],
    ['its method is TRACE', { method: 'TRACE' }, 405],
  ])('%s', async ([, asked, status]) => {
    const answer = await ask(asked)
    answer.resume()
    expect(answer.statusCode).toBe(status)
    expect(the.downstream.requests.all).toEqual([])
  })

  test.for(['//mcp', '/mcp/../mcpx', '/mcp/%2e%2e/admin', '/mcp/..%2fadmin', '/%6dcp', '/mcp%00'])(
    'its path is %s',
    async (path) => {
      const { port } = new URL(the.world.mcpUrl)
      const socket = connect(Number(port), '127.0.0.1')
      socket.end(
        `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${the.token}\r\nConnection: close\r\n\r\n`,
      )
      let answer = ''
      for await (const chunk of socket.setEncoding('utf8')) answer += chunk
      expect(answer).toMatch(/^HTTP\/1\.1 40[04]/)
      expect(the.downstream.requests.all).toEqual([])
    },
  )
})

test('nothing the client sends poses as identity', async () => {
  const names = [
    'X-User-Email',
    'x_user_email',
    'X-Forwarded-Email',
    'Cf-Access-Jwt-Assertion',
    'Cf-Connecting-Ip',
    'X-Real-Ip',
    'Cookie',
    'X-Agents-Room',
  ]
  const answer = await ask({ headers: Object.fromEntries(names.map((name) => [name, ['mallory', 'mallory']])) })
  expect(answer.statusCode).toBe(200)
  const sent = JSON.stringify(the.downstream.requests.last?.headers)
  expect(sent).not.toContain('mallory')
  expect(sent).not.toContain(the.token)
  expect(the.downstream.requests.last?.headers['x-user-email']).toBe('alice@example.com')
})

test.for([
  ['legacy', {}, legacy],
  ['modern', modernHeaders, modern],
] as const)('what router and object tell each other stays between them (%s)', async ([, headers, body]) => {
  const answer = await ask({ headers, body: JSON.stringify(body) })
  expect(answer.statusCode).toBe(200)
  const names = [...Object.keys(the.downstream.requests.last?.headers ?? {}), ...Object.keys(answer.headers)]
  expect(names.filter((name) => name.startsWith('x-broker'))).toEqual([])
})
