// Rules about tools in a call of 2026-07-28: what passes, what is refused and how, and what needs a further scope.
import { describe, expect, test } from 'vitest'
import { admitted, refusalOf } from '../brokered.ts'
import { call, READ_ONLY, STAFF, startRuled } from '../ruled.ts'

const META = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
/** What a header can say as it is; nothing else passes as a method of this era, whatever the rules. */
const HEADERS = /^[!-~]+$/
const headerOf = (method: string): Record<string, string> => (HEADERS.test(method) ? { 'mcp-method': method } : {})

const it = await startRuled()

describe('a call of a tool that is not allowed', () => {
  test('is answered in place of the server, which hears nothing of it', async () => {
    const { modern, admissions, leashes } = it.broker({ tools: STAFF })
    const answer = await modern(call('delete_ticket', '9007199254740993123'))
    // Not an error of HTTP: SDKs would show no sentence, or take the connection for broken.
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.has('www-authenticate')).toBe(false)
    const text = await answer.text()
    expect(text).toContain('"id":9007199254740993123,')
    expect(JSON.parse(text)).toMatchObject({
      jsonrpc: '2.0',
      error: {
        code: -32_007,
        message: 'The tool "delete_ticket" is not allowed for you here: ask whoever runs this server for access',
        data: { code: 'tool_not_allowed', request_id: answer.headers.get('x-request-id') },
      },
    })
    expect(it.reached()).toEqual([])
    expect([admissions.length, leashes.length]).toEqual([1, 0])
  })

  test.for<[string, object, object]>([
    ['nobody gave the person any', { tools: [{ groups: ['admins'], allow: ['*'] }] }, call('search')],
    ['it is written in another way', { tools: STAFF }, call('DELETE_ticket')],
    ['it is called as a task', { tools: STAFF }, { method: 'tools/call', params: { name: 'delete_ticket', task: { ttl: 1 } } }],
    ['it only reads, but is denied', { tools: [{ allow: ['*'], deny: ['search'], mode: READ_ONLY }] }, call('search')],
  ])('is refused where %s', async ([, terms, message]) => {
    expect(await refusalOf(await it.broker(terms).modern(message))).toMatchObject({
      error: { data: { code: 'tool_not_allowed' } },
    })
    expect(it.reached()).toEqual([])
  })

  test.for<[string, string, string]>([
    [
      '39. the same key twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","name":"delete_ticket","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}',
      'ambiguous_json',
    ],
    [
      '39. the same key in two spellings',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","Name":"delete_ticket","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}',
      'ambiguous_json',
    ],
    [
      '38. another name in the header',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_ticket","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}',
      'header_mismatch',
    ],
    [
      'no name',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["search"],"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}',
      'invalid_message',
    ],
    ['a call that wants no answer', '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"search"}}', 'invalid_message'],
    [
      '40. a batch',
      '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}]',
      'batch_not_allowed',
    ],
    [
      'the name spelled with escapes',
      '{"jsonrpc":"2.0","id":1,"method":"tools\\/call","params":{"n\\u0061me":"s\\u0065arch","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}',
      'tool_not_allowed',
    ],
  ])('does not get past the rules by %s', async ([, body, code]) => {
    const { post } = it.broker({ tools: [{ allow: ['list_*'] }] })
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'search' }
    expect(await refusalOf(await post(body, headers))).toMatchObject({ error: { data: { code } } })
    expect(it.reached()).toEqual([])
  })

  test.for([
    'Tools/Call',
    'tools/call ',
    'tools/call\0',
    'tools/call\0x',
    '/tools/call',
    'tools//call',
    'tools/\u200bcall',
    'ｔools/call',
    'TOOLS/LIST',
  ])('does not get past the rules as the method %j', async (method) => {
    const { post } = it.broker({ tools: STAFF })
    const body = { jsonrpc: '2.0', id: 1, method, params: { name: 'delete_ticket', _meta: META } }
    const answer = await post(JSON.stringify(body), { 'mcp-protocol-version': '2026-07-28', ...headerOf(method) })
    expect(await refusalOf(answer)).toMatchObject({
      id: 1,
      error: { data: { code: HEADERS.test(method) ? 'invalid_message' : 'header_mismatch' } },
    })
    expect(it.reached()).toEqual([])
  })

  test('is in the recording with its tool and its reason', async () => {
    const watched = { until: 2_000_000_000, bodies: false }
    const { modern, notes } = it.broker({ tools: STAFF }, { admission: { ...admitted, recording: watched } })
    await modern(call('delete_ticket'))
    await expect.poll(() => notes).toMatchObject([{ about: 'delete_ticket', refusal: 'tool_not_allowed', status: 200 }])
  })
})

test('a call of a tool that is allowed reaches the server as it came, and nothing else does', async () => {
  const { modern, leashes } = it.broker({ tools: STAFF })
  expect((await modern(call('create_ticket'))).status).toBe(200)
  expect(it.reached()).toEqual(['tools/call create_ticket'])
  expect(leashes).toHaveLength(0)
})

describe('a call that needs a further scope', () => {
  const terms = {
    scopes: ['mcp', 'tickets:read', 'tickets:write'],
    tool_scopes: { 'create_*': 'tickets:write', '*_ticket': 'tickets:read' },
  }

  test('is answered with the challenge that SDKs authorize again by', async () => {
    const { modern, admissions } = it.broker(terms)
    const answer = await modern(call('create_ticket'))
    expect(answer.status).toBe(403)
    // What was granted and what is needed: clients of 2025-11-25 ask for this and nothing else.
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_scope", scope="mcp tickets:write tickets:read", resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
    )
    expect(answer.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate')
    expect(await refusalOf(answer)).toMatchObject({ id: 1, error: { code: -32_008, data: { code: 'insufficient_scope' } } })
    expect(it.reached()).toEqual([])
    expect(admissions).toHaveLength(1)
  })

  test('is not told to somebody who may not call the tool anyway', async () => {
    const answer = await it.broker({ ...terms, tools: STAFF }).modern(call('delete_ticket'))
    expect(answer.headers.has('www-authenticate')).toBe(false)
    expect(await refusalOf(answer)).toMatchObject({ error: { data: { code: 'tool_not_allowed' } } })
  })

  test('nobody else is asked for it', async () => {
    const { modern, ask } = it.broker(terms)
    expect((await modern(call('search'))).status).toBe(200)
    const challenge = (await ask('/mcp', { method: 'POST' })).headers.get('www-authenticate')
    expect(challenge).toContain('scope="mcp"')
  })

  test('gets through with it', async () => {
    const { modern } = it.broker(terms, { scopes: ['mcp', 'tickets:read', 'tickets:write'] })
    expect((await modern(call('create_ticket'))).status).toBe(200)
    expect(it.reached()).toEqual(['tools/call create_ticket'])
  })
})
