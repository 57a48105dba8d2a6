// A call of the 2025 revisions whose server behaves oddly on its stream: what is an answer, what is none, and when it is over.
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { SseReader } from '../../../src/mcp/sse/sse.ts'
import { AdminProgram } from '../../world/administrator.ts'
import { credentialsFor } from '../../world/clients.ts'
import { type EventStream, stepsOf } from '../../world/event-stream.ts'
import { fixture } from '../../world/fixture.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { HIDDEN, ODD_STREAMS } from '../../world/odd-events.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld } from '../../world/world.ts'

const MAX_STREAMS = 10
const MAX_EVENT_BYTES = 100_000
const EVENTS = { 'content-type': 'text/event-stream' }

const the = fixture(async (closing) => {
  const server = await closing(ScriptedServer.start())
  const servers = [
    { name: 'plain', url: server.url },
    { name: 'ruled', url: `${server.url}/ruled`, tools: 'read-only' },
  ]
  const world = await closing(
    startWorld({
      overrides: {
        DOWNSTREAMS: JSON.stringify(servers),
        MAX_STREAMS: String(MAX_STREAMS),
        MAX_EVENT_BYTES: String(MAX_EVENT_BYTES),
        RATE_LIMIT_REQUESTS: '100000',
      },
    }),
  )
  return { server, world }
})
/** Tokens for the server without rules about tools, and with. */
const tokens = fixture(async () => ({
  plain: (await credentialsFor('alice', at('plain'))).accessToken,
  ruled: (await credentialsFor('alice', at('ruled'))).accessToken,
}))

beforeEach(() => {
  the.server.behaviour.resumable = false
  the.server.onCall((call) => call.answer({}))
  the.server.onNotification((_message, res) => void res.writeHead(202).end())
  the.server.requests.forget()
})

const at = (name: string): string => `${the.world.brokerUrl}/servers/${name}/mcp`
const respond = (id: unknown, result: object = {}): string =>
  `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`
const list = (id: string | number): object => ({ jsonrpc: '2.0', id, method: 'tools/list' })

const openCalls = (): unknown => the.server.requests.open.filter(({ method }) => method === 'POST')

const leaveOpen = (): void => undefined
const note = (step: number): string => `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"step":${step}}}\n\n`

/** Answers a call with these bytes, and leaves the rest to the test. */
function says(text: (id: unknown) => string, then: (res: ServerResponse) => void = (res) => void res.end()): void {
  the.server.onCall(({ message: { id }, res }) => {
    res.writeHead(200, EVENTS).write(text(id))
    then(res)
  })
}

describe('an event that is no message', () => {
  const heartbeat = 'event: ping\ndata: ping\n\n'

  test.for(['plain', 'ruled'] as const)('passes as it is and answers nothing: %s', async (name) => {
    const client = await LegacyClient.open(at(name), tokens[name])
    says(
      (id) => `${heartbeat}event: heartbeat\ndata: {"jsonrpc":"2.0","id":${String(id)},"result":{}}\n\n${respond(id, { a: 1 })}`,
    )
    const text = await (await client.post(list(1))).text()
    expect(text.replaceAll(/^id: .*\n/gm, '')).toContain(
      `${heartbeat}event: heartbeat\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n${respond(1, { a: 1 })}`,
    )
    expect(text).not.toContain('"error"')
  })

  test.for(['plain', 'ruled'] as const)('before a stream ends does not end the call: it is asked again, %s', async (name) => {
    const client = await LegacyClient.open(at(name), tokens[name], { version: '2025-06-18' })
    the.server.behaviour.resumable = true
    the.server.onCall((call) => {
      const feed = call.stream()
      call.res.write('id: call0~0\nevent: ping\ndata: ping\n\n')
      feed.notify({ step: 1 })
      feed.pause()
      feed.respond(call.message.id, { found: true })
      feed.end()
    })
    const stream = await client.open(list(1))
    expect((await stream.message('"found":true')).data).toBe('{"jsonrpc":"2.0","id":1,"result":{"found":true}}')
    expect(await stream.over).toBe('ended')
    expect(stream.messages.filter(({ data }) => data?.includes('"error"'))).toEqual([])
  })
})

describe('a message that is not JSON', () => {
  test('passes where there are no rules about tools', async () => {
    const client = await LegacyClient.open(at('plain'), tokens.plain)
    says((id) => `data: ping\n\n${respond(id)}`)
    expect(await (await client.post(list(1))).text()).toContain('data: ping\n\n')
  })

  test('is dropped where there are some, and the answer behind it is the answer', async () => {
    const client = await LegacyClient.open(at('ruled'), tokens.ruled)
    says((id) => `data: ping\n\n${respond(id, { tools: [] })}`)
    const text = await (await client.post(list(1))).text()
    expect(text).not.toContain('ping')
    expect(text).not.toContain('"error"')
    expect(text).toContain('"result":{"tools":[]}')
  })
})

test('a list of tools in an odd event stream is read as a client would read it', async () => {
  const client = await LegacyClient.open(at('ruled'), tokens.ruled)
  for (const { name, pieces, read } of ODD_STREAMS) {
    the.server.onCall(({ res }) => void Readable.from(pieces).pipe(res.writeHead(200, EVENTS)))
    const bytes = new Uint8Array(await (await client.post(list(1))).arrayBuffer())
    const { complete } = new SseReader({ maxEventBytes: bytes.length }).take(bytes)
    expect([name, ...complete.flatMap(({ data }) => data || [])]).toEqual([name, ...read])
    expect(new TextDecoder().decode(bytes)).not.toContain(HIDDEN)
  }
})

describe('a server that leaves its answer open after the response', () => {
  test('is hung up on: the client has its end, and no number of such calls uses up the places of a person', async () => {
    const client = await LegacyClient.open(at('plain'), tokens.plain)
    says((id) => respond(id), leaveOpen)
    const opened = async (id: number): Promise<EventStream> => {
      const stream = await client.open(list(id))
      await stream.message('"result"')
      return stream
    }
    for (let id = 1; id <= MAX_STREAMS * 2; id += 1) (await opened(id)).leave()
    const staying = []
    for (let id = 1; id <= MAX_STREAMS * 2; id += 1) staying.push(await opened(id))
    expect(await Promise.all(staying.map(({ over }) => over))).toEqual(staying.map(() => 'ended'))
    await expect.poll(openCalls).toEqual([])
  })

  test('may say more in the same breath, in or after the piece that has the response', async () => {
    const client = await LegacyClient.open(at('plain'), tokens.plain)
    says(
      (id) => respond(id) + note(1),
      (res) => void setTimeout(() => res.write(note(2)), 5),
    )
    const stream = await client.open(list(1))
    expect(await stream.over).toBe('ended')
    expect(stepsOf(stream)).toEqual([1, 2])
  })

  test('is heard until every request of a batch is answered', async () => {
    const client = await LegacyClient.open(at('plain'), tokens.plain, { version: '2025-03-26' })
    says(
      () => respond(1),
      (res) => void setTimeout(() => res.write(respond('two')), 400),
    )
    const stream = await client.open([list(1), list('two')])
    expect((await stream.message('"id":"two"')).data).toBe('{"jsonrpc":"2.0","id":"two","result":{}}')
    expect(await stream.over).toBe('ended')
    await expect.poll(openCalls).toEqual([])
  })
})

describe('an event that is too large', () => {
  test('is named as that, with what may have happened, and not taken for a lost connection', async () => {
    const client = await LegacyClient.open(at('plain'), tokens.plain)
    says(() => `data: ${'x'.repeat(MAX_EVENT_BYTES + 1)}\n\n`)
    const stream = await client.open(list(1))
    expect(JSON.parse((await stream.message('"error"')).data ?? '')).toMatchObject({
      id: 1,
      error: {
        code: -32603,
        message: `An event of the downstream MCP server is larger than ${MAX_EVENT_BYTES} bytes; the request may have taken effect`,
        data: { code: 'downstream_event_too_large' },
      },
    })
  })
})

describe('which tools only read', () => {
  const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'delete_all' } }
  const tools = [{ name: 'delete_all', annotations: { readOnlyHint: true } }]
  const refused = { error: { data: { code: 'tool_not_allowed' } } }

  test('is not learned from what else is answered on the stream of a list, and is from the list', async () => {
    const client = await LegacyClient.open(at('ruled'), tokens.ruled)
    says((id) => respond('other', { tools }) + respond(id, { tools: [] }))
    await (await client.post(list(1))).text()
    the.server.onCall((asked) => asked.answer({ tools: [] }))
    expect(await (await client.post(call)).json()).toMatchObject(refused)
    says((id) => respond(id, { tools }))
    await (await client.post(list(3))).text()
    the.server.onCall((asked) => asked.answer({ done: true }))
    expect(await (await client.post(call)).text()).toContain('"done":true')
  })
})

describe('a server that wants to be asked again much later', () => {
  test('is asked as soon as a client comes back for the rest, and the client is told one time only', async () => {
    the.server.behaviour.resumable = true
    const client = await LegacyClient.open(at('plain'), tokens.plain)
    the.server.onCall((asked) => {
      const feed = asked.stream()
      asked.res.write('retry: 5000\n\n')
      feed.notify({ step: 1 })
      feed.pause()
      setTimeout(() => feed.respond(asked.message.id, { found: true }), 100)
    })
    const stream = await client.open(list(1))
    await stream.over
    expect(new Set(stream.events.flatMap(({ retry }) => retry ?? []))).toEqual(new Set([1000]))
    await sleep(500)
    const startedAt = Date.now()
    const rest = await client.get(stream.lastId)
    await rest.message('"found":true')
    expect(Date.now() - startedAt).toBeLessThan(2_000)
  })
})

const answered = async (coding: string): Promise<Response> => {
  const client = await LegacyClient.open(at('plain'), tokens.plain)
  the.server.onCall(({ message: { id }, res }) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding })
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result: { plain: true } }))
  })
  return await client.post(list(1))
}

describe('a Content-Encoding that', () => {
  test.for(['none', 'utf-8', 'identity', '', 'NONE, utf-8'])(
    'names no coding leaves the bytes as they are: "%s"',
    async (coding) => {
      expect(await (await answered(coding)).text()).toBe('{"jsonrpc":"2.0","id":1,"result":{"plain":true}}')
    },
  )

  test.for(['deflate', 'zstd', 'none, deflate', 'gzip, br'])(
    'names one that is not undone here is refused: "%s"',
    async (coding) => {
      const answer = await answered(coding)
      expect([answer.status, await answer.json()]).toMatchObject([
        502,
        {
          id: 1,
          error: {
            message: `The downstream MCP server compressed its answer with ${coding.split(', ').at(-1)}, which it was not asked for`,
            data: { code: 'downstream_malformed' },
          },
        },
      ])
    },
  )
})

test('a long JSON answer is shown to administrators as any stream is, and ends when they end it', async () => {
  const client = await LegacyClient.open(at('plain'), tokens.plain)
  the.server.onCall(({ res }) => void res.writeHead(200, { 'content-type': 'application/json' }).write('{"a":"long one"'))
  const reader = (await client.call('export')).body?.getReader()
  await reader?.read()
  const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
  await expect.poll(() => carol.subOf('alice@example.com').catch(() => '')).toMatch(/./)
  const sub = await carol.subOf('alice@example.com')
  const shown = async () => (await carol.see(`/people/${sub}`)).live.streams
  const [stream] = await shown()
  expect(stream).toMatchObject({ kind: 'call', label: 'tools/call export', traffic: { bytes: 15 } })
  expect(await carol.revoke({ what: 'stream', sub, id: stream.id }, 'too long')).toMatchObject({ streams: 1, state: 'done' })
  await expect(reader?.read()).rejects.toThrow('terminated')
  expect(await shown()).toEqual([])
})
