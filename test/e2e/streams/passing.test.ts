// What a legacy message carries to the downstream and its answer back, through the person's object.
import { beforeEach, describe, expect, test } from 'vitest'
import { brokerBefore } from '../../world/broker-before.ts'
import { fixture } from '../../world/fixture.ts'
import { NOT_GZIP, TAKEN, saidOf, saying, THEIR_STATUSES, theirWord } from '../../world/odd-answers.ts'
import { EventStream } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { startRawDownstream, type RawHandler } from '../../world/raw-downstream.ts'

const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo' } }
const failed = (code: string) => ({
  id: 'x',
  error: { code: -32603, message: 'Failed to connect to downstream MCP server', data: { code } },
})
const big = '{"jsonrpc":"2.0","id":9007199254740993123,"method":"tools/list"}'

const sayOk: RawHandler = (_req, _body, res) =>
  void res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'their-session' }).end('{}')

const the = fixture(async (closing) => {
  const downstream = await closing(startRawDownstream(sayOk))
  return { downstream, ...(await brokerBefore(closing, downstream, { DOWNSTREAM_TIMEOUT: '1' })) }
})
beforeEach(() => {
  the.downstream.requests.forget()
  the.downstream.handleWith(sayOk)
})
const client = () => new LegacyClient(the.world.mcpUrl, the.token)

async function read(response: Response): Promise<EventStream> {
  const stream = new EventStream(response, new AbortController())
  await stream.over
  return stream
}

describe('bytes pass unchanged', () => {
  const odd =
    ' {"jsonrpc" : "2.0",\r\n\t"id":9007199254740993123, "method":"tools/call", "z":0.10, "params":{"name":"echo","arguments":{"a":1,"a":2,"n":1e999,"s":"\\u00e9é\\/"}} }\n'

  test('of a request and its JSON answer', async () => {
    const answer = Buffer.from(' {"id":9007199254740993123,"result":{"b":1,"a":1,"a":2}}\r\n\uFFFD\0')
    the.downstream.handleWith(
      (_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(answer),
    )
    const response = await client().post(odd)
    expect(the.downstream.requests.last?.body.toString()).toBe(odd)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(answer)
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  })

  test('of an answer as large as a picture', async () => {
    const large = `{"result":"${'ä'.repeat(3_000_000)}"}`
    the.downstream.handleWith((_req, _body, res) => void res.writeHead(200, { 'content-type': 'application/json' }).end(large))
    expect((await (await client().post(call)).text()) === large).toBe(true)
  })
})

describe('to the downstream go', () => {
  test('the headers of the message, with the identity and credentials of the broker', async () => {
    const protocol = {
      traceparent: '00-a',
      baggage: 'k=v',
      'user-agent': 'client/1',
      'mcp-protocol-version': '2025-11-25',
    }
    // What says something of a modern body, or of a stream, is nothing that a message of these eras has.
    const others = { 'mcp-param-region': 'eu', 'mcp-method': 'tools/list', 'mcp-name': 'other', 'last-event-id': 'ours.1' }
    await client().post(call, { ...protocol, ...others })
    for (const name of Object.keys(others)) expect(the.downstream.requests.last?.headers).not.toHaveProperty(name)
    expect(the.downstream.requests.last?.headers).toMatchObject({
      ...protocol,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'x-user-email': 'alice@example.com',
      authorization: expect.stringMatching(/^Bearer ey/),
    })
    expect(JSON.stringify(the.downstream.requests.last?.headers)).not.toContain(the.token)
    expect(JSON.stringify(the.downstream.requests.last?.headers)).not.toContain('x-broker')
  })

  test('no protocol version where the client named none, no session where it has none', async () => {
    await client().post(call)
    const { headers } = the.downstream.requests.last ?? {}
    expect(headers).not.toHaveProperty('mcp-protocol-version')
    expect(headers).not.toHaveProperty('mcp-session-id')
    expect(headers).not.toHaveProperty('last-event-id')
  })

  test('path suffixes and queries, of every method', async () => {
    const headers = { ...client().headers(), 'content-type': 'application/json' }
    for (const method of ['POST', 'GET']) {
      const init = { method, headers, ...(method === 'POST' && { body: JSON.stringify(call) }) }
      await (await fetch(`${the.world.mcpUrl}/a%20b/c?d=e`, init)).text()
      expect(the.downstream.requests.last).toMatchObject({ method, path: '/mcp/a%20b/c?d=e' })
    }
    await (await fetch(`${the.world.mcpUrl}/`, { method: 'POST', headers, body: JSON.stringify(call) })).text()
    expect(the.downstream.requests.last).toMatchObject({ method: 'POST', path: '/mcp' })
  })

  test('no DELETE without a session, whatever is there', async () => {
    the.downstream.requests.forget()
    for (const path of ['', '/users/1'])
      expect((await fetch(the.world.mcpUrl + path, { method: 'DELETE', headers: client().headers() })).status).toBe(400)
    expect(the.downstream.requests.all).toEqual([])
  })
})

describe('an answer that says it is gzip and', () => {
  const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { numbers: Array.from({ length: 20_000 }, Math.random) } })
  test.for(NOT_GZIP)('%s is answered with an error, whatever its length', async ([, spoiled]) => {
    for (const [type, text] of [
      ['application/json', '{"jsonrpc":"2.0","id":1,"result":{}}'],
      ['application/json', answer],
      ['text/event-stream', `data: ${answer}\n\n`],
    ] as const) {
      the.downstream.handleWith(
        (_req, _body, res) => void res.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' }).end(spoiled(text)),
      )
      const response = await client().post(call)
      const said = (await response.text()).replace(/^.*?data: /s, '')
      expect(response.status).toBe(type === 'application/json' ? 502 : 200)
      expect(JSON.parse(said)).toMatchObject({ id: 1, error: { code: -32603, data: { code: 'downstream_broken' } } })
    }
  })
})

describe('a call that is resumed', () => {
  test.for<[string, string]>([
    ['nothing at all', ''],
    ['comments and heartbeats', ': ping\n\nevent: ping\ndata: ping\n\n'],
  ])('ends with an error when the server opens the rest and sends %s', async ([, beat]) => {
    let resumptions = 0
    the.downstream.handleWith((req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      if (req.method === 'POST') {
        res.end('id: 1\nretry: 100\ndata:\n\n')
        return
      }
      resumptions += 1
      const beating = beat === '' ? undefined : setInterval(() => res.write(beat), 100)
      res.once('close', () => clearInterval(beating))
    })
    const began = Date.now()
    const stream = await read(await client().post(call, { 'mcp-protocol-version': '2025-11-25' }))
    const text = stream.messages.at(-1)?.data ?? (await (await client().get(stream.lastId)).message('"error"')).data
    const message =
      'The downstream MCP server was asked for the rest of its event stream, and sent nothing on it; whether the request took effect is unknown'
    expect(JSON.parse(text ?? '')).toMatchObject({ id: 1, error: { code: -32603, message, data: { code: 'downstream_broken' } } })
    expect([resumptions, Date.now() - began < 6_000]).toEqual([1, true])
    await expect.poll(() => the.downstream.requests.open).toHaveLength(0)
  })
})

describe('from the downstream come', () => {
  test.for(THEIR_STATUSES)('its status %i with its body', async (status) => {
    the.downstream.handleWith(saying(status))
    const response = await client().post(call)
    expect(await saidOf(response)).toEqual(theirWord(status))
    expect([...response.headers.keys()].filter((name) => name.startsWith('x-broker'))).toEqual([])
  })

  test.for(TAKEN)(
    '202 and nothing else for a notification and a response that were answered %i %s',
    async ([status, type, text]) => {
      the.downstream.handleWith(
        (_req, _body, res) => void res.writeHead(status, type === '' ? {} : { 'content-type': type }).end(text),
      )
      for (const message of [{ method: 'notifications/initialized' }, { id: 1, result: {} }]) {
        const response = await client().post({ jsonrpc: '2.0', ...message })
        expect([response.status, await response.text()]).toEqual([202, ''])
        expect(response.headers.get('content-type')).toBeNull()
      }
    },
  )

  test('the id of a session from initialize alone, and then the broker’s own', async () => {
    expect((await client().post(call)).headers.get('mcp-session-id')).toBeNull()
    const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } }
    const opened = (await client().post(initialize)).headers.get('mcp-session-id')
    expect(opened).toMatch(/^[\w-]{20,}$/)
    const resumed = client()
    resumed.sessionId = opened ?? ''
    await resumed.post(call)
    expect(the.downstream.requests.last?.headers['mcp-session-id']).toBe('their-session')
  })

  test('events with ids of the broker, in a form that nothing holds back', async () => {
    the.downstream.handleWith(
      (_req, _body, res) =>
        void res
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end('id: their-event\nretry: 0\nevent: message\ndata: {"x":1}\n\n: theirs\n\ndata: {"id":1,"result":{}}\n\n'),
    )
    const response = await client().post(call)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    const text = await response.text()
    expect(text).toMatch(
      /^: ok\n\nid: ([\w-]+)\.(\d+)\nevent: message\ndata: \{"x":1\}\n\nid: \1\.\d+\ndata: \{"id":1,"result":\{\}\}\n\n$/,
    )
  })

  test('the state of the rate limit', async () => {
    const { headers } = await client().post(call)
    expect(Number(headers.get('ratelimit-remaining'))).toBeLessThan(Number(headers.get('ratelimit-limit')))
    expect(headers.get('ratelimit-reset')).toMatch(/^\d+$/)
  })
})

describe('a request the downstream does not answer', () => {
  test('gets 502 when the connection breaks, under the id its client gave it', async () => {
    the.downstream.handleWith((req) => void req.socket.destroy())
    const response = await client().post(big)
    const text = await response.text()
    expect([response.status, text.startsWith('{"jsonrpc":"2.0","id":9007199254740993123,"error":{')]).toEqual([502, true])
    expect(JSON.parse(text)).toMatchObject({ ...failed('downstream_unreachable'), id: expect.anything() })
    expect(text).toContain(response.headers.get('x-request-id'))
  })

  test('gets 504 when it takes too long', async () => {
    the.downstream.handleWith(() => undefined)
    const response = await client().post({ ...call, id: 'x' })
    expect([response.status, await response.json()]).toMatchObject([504, failed('downstream_timeout')])
  })

  test('gets an error in its stream when that breaks', async () => {
    the.downstream.handleWith((req, _body, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n', () => req.socket.destroy())
    })
    const stream = await read(await client().post(big))
    expect(stream.messages[0]?.data).toBe('1')
    expect(stream.messages[1]?.data).toMatch(/^\{"jsonrpc":"2.0","id":9007199254740993123,"error":.*"downstream_broken"/)
  })
})

test('a standing stream without a session ends at the downstream when its client leaves', async () => {
  the.downstream.handleWith((_req, _body, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    const beat = setInterval(() => res.write('data: x\n\n'), 50)
    res.once('close', () => clearInterval(beat))
  })
  const stream = await client().get()
  expect(stream.status).toBe(200)
  stream.leave()
  const asked = await the.downstream.requests.find(({ method }) => method === 'GET')
  await asked.closed
  expect(asked.aborted).toBe(true)
})
