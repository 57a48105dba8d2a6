// Whether a request of 2026-07-28 is translated for a server: found out once, and not with every request where nothing is found out.
import { createServer } from 'node:http'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { EraMemory } from '../../../../src/mcp/bridge/era-verdict.ts'
import { ANSWER_HEADER } from '../../../../src/mcp/dispatch/dispatch-header.ts'
import { ERA_HEADER } from '../../../../src/mcp/dispatch/translation-order.ts'
import { translated } from '../../../../src/mcp/router/legacy-downstream.ts'
import { close, listen } from '../../../world/listening.ts'

/** Methods, as the server was asked. */
let asked: (string | undefined)[] = []
let discover: { readonly status: number; readonly body: string }
let called: { readonly status: number; readonly body: string }
let now: number
let charged: number
/** What the object answers with besides. */
let told: Readonly<Record<string, string>>

const MODERN = '{"jsonrpc":"2.0","id":"broker-discover","result":{"supportedVersions":["2026-07-28"]}}'
/** As the SDK 1.x says it of whatever comes without a session. */
const NO_SESSION = {
  status: 400,
  body: '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}',
}

const server = createServer((req, res) => {
  const method = String(req.headers['mcp-method'])
  asked.push(method)
  const { status, body } = method === 'server/discover' ? discover : called
  res.writeHead(status, { 'content-type': 'application/json' }).end(body)
})
const url = `http://127.0.0.1:${await listen(server, 0)}/mcp`
afterAll(async () => await close(server))
beforeEach(() => {
  ;[asked, now, charged, told] = [[], 0, 0, {}]
  discover = { status: 200, body: MODERN }
  called = { status: 200, body: '{}' }
})

const caller = {
  sub: 's',
  grantId: 'g',
  clientId: 'c',
  resource: 'https://b.example/mcp',
  scopes: [],
  generation: 0,
  expiresAt: 9,
}
const OLD = { name: 'old', path: '/mcp', resource: caller.resource, url, auth: 'none', transport: 'auto', scopes: [] } as const

function sending(requestState?: string): () => Promise<string | undefined> {
  const way = translated({
    downstream: { ...OLD, eraBridge: true },
    target: url,
    order: { caller, requestId: 'r', label: 'l' },
    requestState,
    post: { fetch: async () => new Response('by the object', { headers: { [ANSWER_HEADER]: 'carried', ...told } }) },
    eras,
    charge: async () => void (charged += 1),
  })
  return async () => {
    const answer = await way?.({ method: 'POST', headers: { 'mcp-method': 'tools/list' }, body: '{}' }, {})
    return answer && `${answer.status} ${await answer.text()}`
  }
}
let eras: EraMemory
beforeEach(() => void (eras = new EraMemory(() => now)))

test('a server that brings no verdict is not asked before each request, and the verdict counts once there is one', async () => {
  discover = { status: 503, body: '' }
  const send = sending()
  expect([await send(), await send(), await send()]).toEqual(['200 {}', '200 {}', '200 {}'])
  expect([asked, charged]).toEqual([['server/discover', 'tools/list', 'tools/list', 'tools/list'], 1])

  now = 2_000
  asked = []
  discover = { status: 404, body: '' }
  expect([await send(), await send()]).toEqual(['200 by the object', '200 by the object'])
  expect([asked, charged]).toEqual([['server/discover'], 2])
})

test('a server that was replaced by an older one is asked once more, and the refused request goes the other way', async () => {
  const send = sending()
  expect(await send()).toBe('200 {}')
  discover = called = NO_SESSION
  now = 1_000
  asked = []
  expect([await send(), await send()]).toEqual(['200 by the object', '200 by the object'])
  expect([asked, charged]).toEqual([['tools/list', 'server/discover'], 2])
})

test('a server that refuses like an older one, and is none, is asked once in ten seconds', async () => {
  const send = sending()
  await send()
  called = NO_SESSION
  asked = []
  for (now = 0; now < 25_000; now += 1_000) expect(await send()).toBe(`400 ${NO_SESSION.body}`)
  expect(asked.filter((method) => method === 'server/discover')).toHaveLength(3)
})

test.for<[string, number, string]>([
  ['a method it does not know', 404, '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"m"}}'],
  ['parameters', 400, '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"m"}}'],
  ['a header', 400, '{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"m"}}'],
  ['a capability', 400, '{"jsonrpc":"2.0","id":1,"error":{"code":-32021,"message":"m"}}'],
  [
    'a version newer than this one',
    400,
    '{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"m","data":{"supported":["2027-01-01"]}}}',
  ],
  ['the person', 403, ''],
])('a server that refuses %s as one of 2026-07-28 does is not doubted', async ([, status, body]) => {
  const send = sending()
  await send()
  called = { status, body }
  asked = []
  expect(await send()).toBe(`${status} ${body}`)
  expect(asked).toEqual(['tools/list'])
})

test('a server that has learned 2026-07-28 is asked straight from the next request on, as the object has noticed', async () => {
  discover = NO_SESSION
  const send = sending()
  expect(await send()).toBe('200 by the object')
  discover = { status: 200, body: MODERN }
  told = { [ERA_HEADER]: 'modern' }
  expect([await send(), await send()]).toEqual(['200 by the object', '200 {}'])
})

test('answers to what the object has asked go to the object, whatever the server speaks by then', async () => {
  expect(await sending('era-bridge.x')()).toBe('200 by the object')
  expect(await sending('of the server')()).toBe('200 {}')
  expect(asked).toEqual(['server/discover', 'tools/list'])
})
