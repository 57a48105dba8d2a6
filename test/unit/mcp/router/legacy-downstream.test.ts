// Whether a request of 2026-07-28 is translated for a server: found out once, and not with every request where nothing is found out.
import { createServer } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { EraMemory } from '../../../../src/mcp/bridge/era-verdict.ts'
import { ANSWER_HEADER } from '../../../../src/mcp/dispatch/dispatch-header.ts'
import { translated } from '../../../../src/mcp/router/legacy-downstream.ts'
import { close, listen } from '../../../world/listening.ts'

/** Methods, as the server was asked. */
let asked: (string | undefined)[] = []
let statusOfDiscover = 503
const server = createServer((req, res) => {
  const method = String(req.headers['mcp-method'])
  asked.push(method)
  res.writeHead(method === 'server/discover' ? statusOfDiscover : 200, { 'content-type': 'application/json' }).end('{}')
})
const url = `http://127.0.0.1:${await listen(server, 0)}/mcp`
afterEach(async () => await close(server))

test('a server that brings no verdict is not asked before each request, and the verdict counts once there is one', async () => {
  let now = 0
  let charged = 0
  const eras = new EraMemory(() => now)
  const caller = {
    sub: 's',
    grantId: 'g',
    clientId: 'c',
    resource: 'https://b.example/mcp',
    scopes: [],
    generation: 0,
    expiresAt: 9,
  }
  const way = translated({
    downstream: {
      name: 'old',
      path: '/mcp',
      resource: 'https://b.example/mcp',
      url,
      auth: 'none',
      transport: 'auto',
      scopes: [],
      eraBridge: true,
    },
    target: url,
    order: { caller, requestId: 'r', label: 'l' },
    post: { fetch: async () => new Response('by the object', { headers: { [ANSWER_HEADER]: 'carried' } }) },
    eras,
    charge: async () => void (charged += 1),
  })
  const send = async () => {
    const answer = await way?.({ method: 'POST', headers: { 'mcp-method': 'tools/list' }, body: '{}' }, {})
    return await answer?.text()
  }
  expect([await send(), await send(), await send()]).toEqual(['{}', '{}', '{}'])
  expect([asked, charged]).toEqual([['server/discover', 'tools/list', 'tools/list', 'tools/list'], 1])

  now = 2_000
  asked = []
  statusOfDiscover = 404
  expect([await send(), await send()]).toEqual(['by the object', 'by the object'])
  expect([asked, charged]).toEqual([['server/discover'], 2])
})
