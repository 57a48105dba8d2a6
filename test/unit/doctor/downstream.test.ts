// What the doctor, and `npm start`, say of a server behind the broker that refuses them.
import { expect, test } from 'vitest'
import { examineDownstream } from '../../../scripts/doctor/downstream.ts'
import type { Finding } from '../../../scripts/doctor/finding.ts'
import { fixture } from '../../world/fixture.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'

const the = fixture(async (closing) => {
  const server = await closing(startRawDownstream((_req, _body, res) => void res.end()))
  return { server }
})

async function findingOf(status: number, said: string): Promise<Finding | undefined> {
  the.server.handleWith((_req, _body, res) => void res.writeHead(status, { 'content-type': 'text/plain' }).end(said))
  return (await findings())[0]
}

async function findings(changes: Partial<Parameters<typeof examineDownstream>[0]> = {}): Promise<readonly Finding[]> {
  const { url } = the.server
  return await examineDownstream({
    name: 'mcp',
    path: '/mcp',
    resource: 'http://localhost:8788/mcp',
    scopes: ['mcp'],
    auth: 'identity-jwt',
    transport: 'auto',
    url,
    ...changes,
  })
}

test.for<[string, number, string]>([
  ['the TypeScript SDK', 403, '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Invalid Host header: 127.0.0.1:1"},"id":null}'],
  ['its middleware', 403, '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Invalid Host: 127.0.0.1"},"id":null}'],
  ['the Python SDK', 421, 'Invalid Host header'],
  ['Playwright', 403, 'Access is only allowed at localhost:8931'],
])('a server that refuses the host it is asked by is told of: %s', async ([, status, said]) => {
  const finding = await findingOf(status, said)
  expect(finding?.state).toBe('fault')
  expect(finding?.says).toMatch(
    new RegExp(`^refuses to be asked as 127.0.0.1:${the.server.port} \\(${status}: .*(?:Host|only allowed)`),
  )
  expect(finding?.cure).toBe('write the URL as the server prints it, often localhost and not 127.0.0.1, or allow this host there')
})

test.for<[number, string]>([
  [403, '{"error":"forbidden","error_description":"no token"}'],
  [401, ''],
])('one that wants to know who calls is as it should be: %i %s', async ([status, said]) => {
  expect(await findingOf(status, said)).toMatchObject({ state: 'ok' })
})

test('a server of one era alone is called that, with what becomes of clients of the other one', async () => {
  the.server.handleWith((_req, body, res) => {
    const isModern = body.toString().includes('server/discover')
    const answer = isModern ? { result: { supportedVersions: ['2026-07-28'] } } : { error: { code: -32_022, message: 'no' } }
    res.writeHead(isModern ? 200 : 400, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  expect((await findings()).map(({ says }) => says)).toEqual([
    'speaks the revision 2026-07-28 (modern)',
    'is translated for clients of the revisions up to 2025-11-25',
  ])
  expect((await findings({ era: 'legacy' })).at(-1)).toMatchObject({
    state: 'fault',
    says: 'is set to the era legacy but speaks modern',
    cure: 'set its era to modern, or to auto',
  })
})

test.for<[string, object]>([
  ['an error', { error: { code: -32_601, message: 'Method not found' } }],
  ['a result that names no revision', { result: {} }],
])('an older server that answers server/discover in an event stream with %s is not called modern', async ([, said]) => {
  the.server.handleWith((_req, body, res) => {
    const { id, method } = JSON.parse(body.toString())
    const answer = method === 'initialize' ? { result: { protocolVersion: '2025-06-18' } } : said
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    // It leaves its stream open.
    res.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n\n`)
  })
  expect((await findings({ eraBridge: true })).map(({ says }) => says)).toEqual([
    'speaks sessions (legacy, up to 2025-11-25)',
    'is translated for clients of 2026-07-28',
  ])
  expect((await findings({ era: 'modern' })).at(-1)).toMatchObject({ state: 'fault', cure: 'set its era to legacy, or to auto' })
})
