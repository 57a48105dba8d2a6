// Requests of clients of the older revisions as 2026-07-28 has them: their session goes with every request, and not a byte of it changes.
import { describe, expect, test } from 'vitest'
import {
  clientCapabilities,
  declaredIn,
  initializeResult,
  modernHeaders,
  modernRequest,
  serverCapabilities,
} from '../../../../src/mcp/bridge/modern-request.ts'
import { headerValue, paramHeaders, paramHeadersIn } from '../../../../src/mcp/bridge/param-headers.ts'

const CLIENT = {
  protocolVersion: '2025-11-25',
  capabilities: '{"roots":{}}',
  clientInfo: '{"name":"c","version":"1.0"}',
  logLevel: undefined,
}
const META =
  '"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1.0"},"io.modelcontextprotocol/clientCapabilities":{"roots":{}}'

describe('a request', () => {
  test.for<[string, string, string]>([
    ['without params gets them', '{"id":1,"method":"m"}', `{"id":1,"method":"m","params":{"_meta":{${META}}}}`],
    ['whose params are null gets others', '{"id":1,"params":null}', `{"id":1,"params":{"_meta":{${META}}}}`],
    [
      'keeps its token, its trace and what nobody knows',
      '{"id":1e0,"params":{"a":12345678901234567890,"_meta":{"progressToken":1.0,"x":1}}}',
      `{"id":1e0,"params":{"a":12345678901234567890,"_meta":{"progressToken":1.0,"x":1,${META}}}}`,
    ],
    ['is no task', '{"params":{"task":{"ttl":1},"b":2}}', `{"params":{"b":2,"_meta":{${META}}}}`],
    [
      'answers nothing that was not asked',
      '{"params":{"inputResponses":{"a":1},"requestState":"s"}}',
      `{"params":{"_meta":{${META}}}}`,
    ],
    [
      'says nothing in the name of the era',
      '{"params":{"_meta":{"io.modelcontextprotocol/logLevel":"debug","io.modelcontextprotocol/clientInfo":7}}}',
      `{"params":{"_meta":{${META.replace(/("io.modelcontextprotocol\/protocolVersion":"2026-07-28"),("io.modelcontextprotocol\/clientInfo":\{.*?\}),/, '$2,$1,')}}}}`,
    ],
  ])('%s', ([, message, expected]) => {
    expect(modernRequest(message, CLIENT)).toBe(expected)
  })

  test('has the level that was set, and its next leg an id, answers and the state as it was', () => {
    const leg = { id: '"x"', inputResponses: '{"k":{}}', requestState: '"\\u0061"' }
    const sent = modernRequest('{"id":1,"params":{}}', { ...CLIENT, logLevel: 'debug' }, leg)
    expect(sent).toContain('"io.modelcontextprotocol/logLevel":"debug"')
    expect(sent).toMatch(/^\{"id":"x",.*"inputResponses":\{"k":\{\}\},"requestState":"\\u0061"/)
  })

  test('is named in headers as its body names it', () => {
    expect(modernHeaders('tools/call', { name: 'a' })).toMatchObject({ 'mcp-method': 'tools/call', 'mcp-name': 'a' })
    expect(modernHeaders('resources/read', { uri: 'ä' })).toMatchObject({ 'mcp-name': '=?base64?w6Q=?=' })
    expect(modernHeaders('tools/list', { name: 'a' })).not.toHaveProperty('mcp-name')
    expect(modernHeaders('tools/call', { name: 7 })).not.toHaveProperty('mcp-name')
  })
})

describe('capabilities', () => {
  test.for([
    [
      '{"roots":{"listChanged":true},"sampling":{"tools":{}},"elicitation":{},"tasks":{},"x":1}',
      '{"roots":{},"sampling":{"tools":{}},"elicitation":{}}',
    ],
    ['{"extensions":{"io.modelcontextprotocol/tasks":{},"a/b":{"n":1e0}}}', '{"extensions":{"a/b":{"n":1e0}}}'],
    ['{"extensions":7}', '{"extensions":{}}'],
    ['7', '{}'],
  ])('of a client: %s', ([said = '', expected]) => {
    expect(clientCapabilities(said)).toBe(expected)
  })

  test('of a server are told but for tasks', () => {
    const said =
      '{"tools":{"listChanged":true},"tasks":{},"completions":{},"extensions":{"io.modelcontextprotocol/tasks":{}},"new":{}}'
    expect(serverCapabilities(said)).toBe('{"tools":{"listChanged":true},"completions":{},"extensions":{}}')
    expect(serverCapabilities(undefined)).toBe('{}')
  })
})

const discovered = (info: string): string =>
  `{"result":{"capabilities":{},"instructions":"\\u0061","_meta":{"io.modelcontextprotocol/serverInfo":${info}}}}`

describe('initialize', () => {
  test.for([
    ['"2024-11-05"', '2024-11-05'],
    ['"2025-03-26"', '2025-03-26'],
    ['"2025-11-25"', '2025-11-25'],
    ['"2026-07-28"', '2025-11-25'],
    ['"1.0"', '2025-11-25'],
    ['7', '2025-11-25'],
  ])('for %s is answered with %s', ([asked, version]) => {
    expect(declaredIn(`{"params":{"protocolVersion":${asked}}}`)).toMatchObject({ protocolVersion: version, capabilities: '{}' })
  })

  test('names the server as it names itself, or as people here do', () => {
    expect(initializeResult('1e0', '2025-11-25', discovered('{"name":"n","version":"2","x":1}'), 'Title')).toBe(
      '{"jsonrpc":"2.0","id":1e0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"n","version":"2","x":1},"instructions":"\\u0061"}}',
    )
    expect(initializeResult('1', '2025-11-25', discovered('{"name":"n"}'), 'Title')).toContain(
      '"serverInfo":{"name":"Title","version":"0"}',
    )
    expect(initializeResult('1', '2025-11-25', '', 'Title')).toContain(
      '"capabilities":{},"serverInfo":{"name":"Title","version":"0"}}',
    )
  })
})

const property = (of: object): object => ({ type: 'object', properties: { p: of } })

describe('a tool that asks for headers', () => {
  test.for<[string, object, unknown]>([
    ['asks for none', { type: 'object' }, []],
    ['for one', property({ type: 'string', 'x-mcp-header': 'Region' }), [{ at: ['p'], header: 'Region' }]],
    [
      'for one further in',
      property({ type: 'object', properties: { q: { type: 'integer', 'x-mcp-header': 'Q' } } }),
      [{ at: ['p', 'q'], header: 'Q' }],
    ],
    ['for a property of that name', { properties: { 'x-mcp-header': { type: 'string' } } }, []],
    ['in somebody’s data', property({ type: 'object', default: { 'x-mcp-header': 'A' } }), []],
    ['for a number', property({ type: 'number', 'x-mcp-header': 'A' }), undefined],
    ['for an object', property({ type: 'object', 'x-mcp-header': 'A' }), undefined],
    ['under no name', property({ type: 'string', 'x-mcp-header': '' }), undefined],
    ['under a name that is no token', property({ type: 'string', 'x-mcp-header': 'a b' }), undefined],
    ['for the whole', { 'x-mcp-header': 'A', type: 'string' }, undefined],
    ['for an element', property({ type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } }), undefined],
    ['in one of several', { oneOf: [property({ type: 'string', 'x-mcp-header': 'A' })] }, undefined],
    ['in a definition', { $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } }, undefined],
    [
      'twice for the same',
      { properties: { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } } },
      undefined,
    ],
  ])('%s', ([, schema, found]) => {
    expect(paramHeadersIn(schema)).toEqual(found)
  })

  test('of ten thousand levels none takes stack', () => {
    const deep: unknown = JSON.parse(`${'{"items":'.repeat(10_000)}{}${'}'.repeat(10_000)}`)
    expect(paramHeadersIn(deep)).toEqual([])
  })

  test('gets them as its arguments say', () => {
    const declared = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ at: ['o', name], header: name }))
    expect(paramHeaders(declared, { o: { a: 'x', b: 7, c: false, d: 2 ** 60, e: null } })).toEqual({
      'mcp-param-a': 'x',
      'mcp-param-b': '7',
      'mcp-param-c': 'false',
    })
    expect(paramHeaders(declared, undefined)).toEqual({})
  })

  test.for([
    ['plain', 'plain'],
    ['with space', 'with space'],
    [' edge', '=?base64?IGVkZ2U=?='],
    ['', '=?base64??='],
    ['line\nbreak', '=?base64?bGluZQpicmVhaw==?='],
    ['=?base64?eA==?=', '=?base64?PT9iYXNlNjQ/ZUE9PT89?='],
    ['€', '=?base64?4oKs?='],
  ])('%j travels as %s', ([text = '', value]) => {
    expect(headerValue(text)).toBe(value)
  })
})
