// A call of the 2025 revisions whose server behaves oddly on its stream: what is an answer, what is none, and when it is over.
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { type EventStream, stepsOf } from '../../world/event-stream.ts'
import { LegacyClient } from '../../world/legacy-client.ts'
import { ScriptedServer } from '../../world/scripted-server.ts'
import { startWorld, type World } from '../../world/world.ts'

const MAX_STREAMS = 10
const EVENTS = { 'content-type': 'text/event-stream' }

let server: ScriptedServer
let world: World
/** Tokens for the server without rules about tools, and with. */
let plain: string
let ruled: string

beforeAll(async () => {
  server = await ScriptedServer.start()
  const servers = [
    { name: 'plain', url: server.url },
    { name: 'ruled', url: `${server.url}/ruled`, tools: 'read-only' },
  ]
  world = await startWorld({
    overrides: { DOWNSTREAMS: JSON.stringify(servers), MAX_STREAMS: String(MAX_STREAMS), RATE_LIMIT_REQUESTS: '100000' },
  })
  plain = (await credentialsFor('alice', at('plain'))).accessToken
  ruled = (await credentialsFor('alice', at('ruled'))).accessToken
})

beforeEach(() => {
  server.behaviour.resumable = false
  server.onCall((call) => call.answer({}))
  server.onNotification((_message, res) => void res.writeHead(202).end())
  server.requests.forget()
})

afterAll(async () => {
  await world.close()
  await server.close()
})

const at = (name: string): string => `${world.brokerUrl}/servers/${name}/mcp`
const respond = (id: unknown, result: object = {}): string =>
  `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`
const list = (id: string | number): object => ({ jsonrpc: '2.0', id, method: 'tools/list' })

const openCalls = (): unknown => server.requests.open.filter(({ method }) => method === 'POST')

const leaveOpen = (): void => undefined
const note = (step: number): string => `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"step":${step}}}\n\n`

/** Answers a call with these bytes, and leaves the rest to the test. */
function says(text: (id: unknown) => string, then: (res: ServerResponse) => void = (res) => void res.end()): void {
  server.onCall(({ message: { id }, res }) => {
    res.writeHead(200, EVENTS).write(text(id))
    then(res)
  })
}

describe('an event that is no message', () => {
  const heartbeat = 'event: ping\ndata: ping\n\n'

  test.for(['plain', 'ruled'])('passes as it is and answers nothing: %s', async (name) => {
    const client = await LegacyClient.open(at(name), name === 'plain' ? plain : ruled)
    says(
      (id) => `${heartbeat}event: heartbeat\ndata: {"jsonrpc":"2.0","id":${String(id)},"result":{}}\n\n${respond(id, { a: 1 })}`,
    )
    const text = await (await client.post(list(1))).text()
    expect(text.replaceAll(/^id: .*\n/gm, '')).toContain(
      `${heartbeat}event: heartbeat\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n${respond(1, { a: 1 })}`,
    )
    expect(text).not.toContain('"error"')
  })

  test.for(['plain', 'ruled'])('before a stream ends does not end the call: it is asked again, %s', async (name) => {
    const client = await LegacyClient.open(at(name), name === 'plain' ? plain : ruled, { version: '2025-06-18' })
    server.behaviour.resumable = true
    server.onCall((call) => {
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
    const client = await LegacyClient.open(at('plain'), plain)
    says((id) => `data: ping\n\n${respond(id)}`)
    expect(await (await client.post(list(1))).text()).toContain('data: ping\n\n')
  })

  test('is dropped where there are some, and the answer behind it is the answer', async () => {
    const client = await LegacyClient.open(at('ruled'), ruled)
    says((id) => `data: ping\n\n${respond(id, { tools: [] })}`)
    const text = await (await client.post(list(1))).text()
    expect(text).not.toContain('ping')
    expect(text).not.toContain('"error"')
    expect(text).toContain('"result":{"tools":[]}')
  })
})

describe('a server that leaves its answer open after the response', () => {
  test('is hung up on: the client has its end, and no number of such calls uses up the places of a person', async () => {
    const client = await LegacyClient.open(at('plain'), plain)
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
    const client = await LegacyClient.open(at('plain'), plain)
    says(
      (id) => respond(id) + note(1),
      (res) => void setTimeout(() => res.write(note(2)), 5),
    )
    const stream = await client.open(list(1))
    expect(await stream.over).toBe('ended')
    expect(stepsOf(stream)).toEqual([1, 2])
  })

  test('is heard until every request of a batch is answered', async () => {
    const client = await LegacyClient.open(at('plain'), plain, { version: '2025-03-26' })
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
