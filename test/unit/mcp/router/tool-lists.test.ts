// Lists of tools in 2026-07-28: what is cut out of those that pass, and what the broker asks by itself to know which tools only read.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { RawHandler } from '../../../world/raw-downstream.ts'
import { refusalOf } from '../brokered.ts'
import { call, lists, READ_ONLY, says, STAFF, startRuled, TOOLS } from '../ruled.ts'

const it = await startRuled()

describe('of a list', () => {
  const LIST =
    ' {"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"search","x":1.0} ,{"name":"delete_ticket"} ],\r\n"nextCursor":"2","é":"\\u00e9"}}\n'
  const LEFT = ' {"jsonrpc":"2.0","id":1,"result":{"tools":[ {"name":"search","x":1.0} ],\r\n"nextCursor":"2","é":"\\u00e9"}}\n'

  test('what is denied is cut out of a JSON answer, and no other byte changes', async () => {
    it.downstream.handleWith(says(LIST))
    const answer = await it.broker({ tools: STAFF }).modern({ params: { cursor: '1' } })
    const bytes = Buffer.from(await answer.arrayBuffer())
    expect(bytes.toString()).toBe(LEFT)
    expect(Number(answer.headers.get('content-length') ?? bytes.length)).toBe(bytes.length)
    expect(it.reached()).toEqual(['tools/list 1'])
  })

  test('and out of an event, while others pass as they are', async () => {
    const other = '{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"\\u0022tools\\u0022"}}'
    const line = LIST.replaceAll(/[\r\n]/g, ' ')
    it.downstream.handleWith(says(`: hi\n\nevent: message\ndata: ${other}\n\nid: 7\ndata:${line}\n\n`, 'text/event-stream'))
    const text = await (await it.broker({ tools: STAFF }).modern()).text()
    expect(text).toBe(`: ok\n\n: hi\n\nevent: message\ndata: ${other}\n\ndata: ${LEFT.replaceAll(/[\r\n]/g, ' ').slice(1)}\n\n`)
  })

  test.for(['foo', 'Message', 'message ', ' message', 'endpoint'])(
    'and out of an event of the type "%s", for clients that do not look at it',
    async (type) => {
      const list = LIST.trim().replaceAll(/[\r\n]/g, ' ')
      it.downstream.handleWith(
        says(
          `event: ping\ndata: not JSON\n\nevent: ${type}\ndata: ${list}\n\nevent: ping\ndata: ${list.slice(0, 40)}\n\n`,
          'text/event-stream',
        ),
      )
      const text = await (await it.broker({ tools: STAFF }).modern()).text()
      expect(text).toContain('event: ping\ndata: not JSON\n\n')
      expect(text).toContain(`event: ${type}\ndata: ${LEFT.trim().replaceAll(/[\r\n]/g, ' ')}\n\n`)
      expect(text).not.toContain('delete_ticket')
    },
  )

  test('an event of another type says of no tool that it only reads', async () => {
    const list = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      result: { tools: [{ name: 'purge', annotations: { readOnlyHint: true } }] },
    })
    it.downstream.handleWith(says(`event: foo\ndata: ${list}\n\n`, 'text/event-stream'))
    const broker = it.broker({ tools: READ_ONLY })
    await (await broker.modern()).text()
    it.downstream.handleWith(lists([{ name: 'purge' }]))
    expect(await refusalOf(await broker.modern(call('purge')))).toMatchObject({ error: { data: { code: 'tool_not_allowed' } } })
  })

  test('nothing is left for somebody whom no rule names', async () => {
    const answer = await it.broker({ tools: [{ groups: ['admins'] }] }).modern()
    expect(await refusalOf(answer)).toEqual({ jsonrpc: '2.0', id: 1, result: { tools: [] } })
  })

  test('the tools are left that say they only read, in the mode for that', async () => {
    expect(await refusalOf(await it.broker({ tools: READ_ONLY }).modern())).toMatchObject({ result: { tools: [TOOLS[0]] } })
  })

  test('tools that need a further scope are not cut out: they are what it is asked for', async () => {
    const answer = await it.broker({ tool_scopes: { '*': 'write' } }).modern()
    expect(await refusalOf(answer)).toMatchObject({ result: { tools: TOOLS } })
  })

  test.for<[string, RawHandler]>([
    ['is cut off', says('{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete_ticket"}')],
    [
      'is not in UTF-8',
      says(Buffer.concat([Buffer.from('{"result":{"tools":[{"name":"'), Buffer.from([0xff]), Buffer.from('"}]}}')])),
    ],
    ['begins with a byte order mark', says('\uFEFF{"result":{"tools":[{"name":"delete_ticket"}]}}')],
    ['is called something else', says('{"result":{"tools":[{"name":"delete_ticket"}]}} ;', 'text/plain')],
  ])('nothing is passed on that %s', async ([, handler]) => {
    it.downstream.handleWith(handler)
    const answer = await it.broker({ tools: STAFF }).modern()
    expect([answer.status, await refusalOf(answer)]).toMatchObject([
      502,
      { id: 1, error: { data: { code: 'downstream_malformed' } } },
    ])
  })

  test('nothing that cannot be read is passed on as an event either', async () => {
    it.downstream.handleWith(says('data: {"result":{"tools":[{"name":"delete_ticket"},]}}\n\n', 'text/event-stream'))
    const text = await (await it.broker({ tools: STAFF }).modern()).text()
    expect(text).not.toContain('delete_ticket')
    expect(text).toContain('"id":1,"error":{"code":-32603')
  })

  test('an error of the server passes with its status and its words', async () => {
    it.downstream.handleWith(says('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}} ', 'application/json', 400))
    const answer = await it.broker({ tools: STAFF }).modern()
    expect([answer.status, await answer.text()]).toEqual([
      400,
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}} ',
    ])
  })
})

describe('whether a tool only reads', () => {
  test('is asked before a call of one nobody has listed, as the same person, and once for a while', async () => {
    const { modern, admissions } = it.broker({ tools: READ_ONLY })
    expect(await refusalOf(await modern(call('search')))).toMatchObject({ result: {} })
    expect(await refusalOf(await modern(call('search')))).toMatchObject({ result: {} })
    expect(await refusalOf(await modern(call('create_ticket')))).toMatchObject({ error: { data: { code: 'tool_not_allowed' } } })
    expect(await refusalOf(await modern(call('never_heard_of')))).toMatchObject({ error: { data: { code: 'tool_not_allowed' } } })
    expect(it.reached()).toEqual(['tools/list', 'tools/call search', 'tools/call search'])
    // The others went by the lease of the first.
    expect(admissions).toHaveLength(1)
    const [asked] = it.downstream.requests.all
    expect(asked?.headers).toMatchObject({
      authorization: 'Bearer identity-jwt',
      'x-user-sub': 'u-1',
      'mcp-method': 'tools/list',
      'mcp-protocol-version': '2026-07-28',
    })
    expect(asked?.headers).not.toHaveProperty('mcp-name')
    expect(JSON.parse(asked?.body.toString() ?? '')).toMatchObject({
      params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
    })
  })

  test('says why it was refused', async () => {
    expect(await refusalOf(await it.broker({ tools: READ_ONLY }).modern(call('create_ticket')))).toMatchObject({
      error: { message: expect.stringMatching(/"create_ticket".*tools that only read/) },
    })
  })

  test('is known from a list that has passed', async () => {
    const { modern } = it.broker({ tools: READ_ONLY })
    await modern()
    await modern(call('search'))
    expect(it.reached()).toEqual(['tools/list', 'tools/call search'])
  })

  test('is not believed any more when a later list says otherwise', async () => {
    const { modern } = it.broker({ tools: READ_ONLY })
    await modern()
    it.downstream.handleWith(lists([{ name: 'search' }]))
    await modern()
    expect(await refusalOf(await modern(call('search')))).toMatchObject({ error: { data: { code: 'tool_not_allowed' } } })
  })

  test('is not known from what another address of the server lists', async () => {
    const { modern } = it.broker({ tools: READ_ONLY })
    await modern({ path: '/mcp/other' })
    it.downstream.handleWith(lists([{ name: 'search' }]))
    expect(await refusalOf(await modern(call('search')))).toMatchObject({ error: { data: { code: 'tool_not_allowed' } } })
  })

  test('is looked for on every page, and on no more than twenty', async () => {
    it.downstream.handleWith((_req, body, res) => {
      const { id, params }: { id: unknown; params: { cursor?: string } } = JSON.parse(body.toString())
      const page = Number(params.cursor ?? 1)
      const tools = page === 3 ? TOOLS : []
      const message = { jsonrpc: '2.0', id, result: { tools, nextCursor: String(page + 1) } }
      res
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`data: {"method":"x"}\n\ndata: ${JSON.stringify(message)}\n\n`)
    })
    const { modern, charges } = it.broker({ tools: READ_ONLY })
    await modern(call('search'))
    expect(charges).toHaveLength(20)
    expect(it.reached()).toHaveLength(21)
    expect(it.reached().at(-1)).toBe('tools/call search')
  })

  test('is charged to the person for each page; where nothing is left the call waits like any other, and costs no hop where nothing is asked', async () => {
    it.downstream.handleWith(says('<html>'))
    const { modern, charges } = it.broker({ tools: READ_ONLY }, { charges: 2 })
    for (const query of [1, 2]) await modern({ ...call('search'), path: `/mcp?x=${query}` })
    const answer = await modern({ ...call('search'), path: '/mcp?x=3' })
    expect([answer.status, answer.headers.get('retry-after'), await refusalOf(answer)]).toMatchObject([
      429,
      '7',
      { id: 1, error: { data: { code: 'limit_exceeded' } } },
    ])
    expect(it.reached()).toEqual(['tools/list', 'tools/list'])
    const free = it.broker({ tools: STAFF })
    await free.modern(call('search'))
    await free.modern()
    expect([free.charges, charges.length]).toEqual([[], 3])
  })

  test.for<[string, RawHandler]>([
    ['answers nonsense', says('<html>')],
    ['has no such method', says('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}')],
    ['answers somebody else', says(JSON.stringify({ jsonrpc: '2.0', id: 'x', result: { tools: TOOLS } }), 'text/event-stream')],
    ['fails', says('', 'text/plain', 500)],
  ])('is not assumed where the server %s', async ([, handler]) => {
    it.downstream.handleWith(handler)
    const answer = await it.broker({ tools: READ_ONLY }).modern(call('search'))
    expect(await refusalOf(answer)).toMatchObject({ error: { data: { code: 'tool_not_allowed' } } })
    expect(it.reached()).toEqual(['tools/list'])
  })

  test('is not decided where the server hangs up: the call may be tried again', async () => {
    it.downstream.handleWith((_req, _body, res) => void res.destroy())
    const answer = await it.broker({ tools: READ_ONLY }).modern(call('search'))
    expect([answer.status, await refusalOf(answer)]).toMatchObject([502, { error: { data: { code: 'downstream_unreachable' } } }])
    expect(it.reached()).toEqual(['tools/list'])
  })

  test('a revocation while it is asked ends the call before it goes out', async () => {
    it.downstream.handleWith(() => undefined)
    const { modern, leashes } = it.broker({ tools: READ_ONLY })
    const answering = modern(call('search'))
    await expect.poll(it.reached).toEqual(['tools/list'])
    await expect.poll(() => leashes.length).toBe(1)
    leashes[0]?.send('credential_revoked')
    expect((await answering).status).toBe(401)
    await sleep(20)
    expect(it.reached()).toEqual(['tools/list'])
  })
})
