// Which era a request belongs to, and which contradictions between its headers and its body end it.
import { describe, expect, test } from 'vitest'
import { passageOf, type Passage } from '../../../../src/mcp/message/era.ts'
import { openEnvelope } from '../../../../src/mcp/message/json-rpc-body.ts'

type Headers_ = Readonly<Record<string, string>>

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const modernMeta = { [VERSION]: '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} }

function passage(body: unknown, headers: Headers_ = {}): Passage {
  return passageOf('POST', new Headers(headers), openEnvelope(new TextEncoder().encode(JSON.stringify(body))))
}

const request = (method: string, params: object = {}) => ({ jsonrpc: '2.0', id: 1, method, params })
const notification = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params })
const modern = (method: string, params: object = {}) => request(method, { ...params, _meta: modernMeta })
const agreeing = (method: string, more: Headers_ = {}): Headers_ => ({
  'MCP-Protocol-Version': '2026-07-28',
  'Mcp-Method': method,
  ...more,
})

describe('the era and the kind of a POST are', () => {
  test.for<[string, unknown, Headers_, Passage]>([
    [
      'modern for a request that carries its version',
      modern('tools/list'),
      agreeing('tools/list'),
      { era: 'modern', kind: 'request', id: '1' },
    ],
    [
      'modern whatever session it claims to be in',
      modern('tools/list'),
      agreeing('tools/list', { 'Mcp-Session-Id': 's' }),
      { era: 'modern', kind: 'request', id: '1' },
    ],
    [
      'modern for an initialize that carries a modern version',
      modern('initialize'),
      agreeing('initialize'),
      { era: 'modern', kind: 'request', id: '1' },
    ],
    [
      'modern for a notification that carries its version',
      notification('notifications/x', { _meta: modernMeta }),
      {},
      { era: 'modern', kind: 'notification', id: undefined },
    ],
    [
      'modern for a bare notification under the modern version',
      notification('notifications/x'),
      { 'MCP-Protocol-Version': '2026-07-28' },
      { era: 'modern', kind: 'notification', id: undefined },
    ],
    [
      'legacy for initialize',
      request('initialize', { protocolVersion: '2025-11-25' }),
      {},
      { era: 'legacy', kind: 'initialize', id: '1' },
    ],
    [
      'legacy for a request in a session',
      request('tools/list'),
      { 'Mcp-Session-Id': 's', 'MCP-Protocol-Version': '2025-06-18' },
      { era: 'legacy', kind: 'request', id: '1' },
    ],
    ['legacy for a request without any version', request('tools/list'), {}, { era: 'legacy', kind: 'request', id: '1' }],
    [
      'legacy for initialize under the modern version, which a client of both eras may name before anything is negotiated',
      request('initialize', { protocolVersion: '2026-07-28' }),
      { 'MCP-Protocol-Version': '2026-07-28' },
      { era: 'legacy', kind: 'initialize', id: '1' },
    ],
    [
      'legacy in a session, also under the modern version, where a server has answered initialize with it',
      request('tools/list'),
      { 'Mcp-Session-Id': 's', 'MCP-Protocol-Version': '2026-07-28' },
      { era: 'legacy', kind: 'request', id: '1' },
    ],
    [
      'legacy although it names its method in a header',
      request('initialize'),
      { 'Mcp-Method': 'initialize' },
      { era: 'legacy', kind: 'initialize', id: '1' },
    ],
    [
      'legacy although the header still names the method of an earlier probe',
      request('initialize'),
      { 'Mcp-Method': 'server/discover' },
      { era: 'legacy', kind: 'initialize', id: '1' },
    ],
    [
      'legacy for other _meta',
      request('tools/call', { _meta: { progressToken: 1 } }),
      {},
      { era: 'legacy', kind: 'request', id: '1' },
    ],
    [
      'legacy for a notification',
      notification('notifications/initialized'),
      {},
      { era: 'legacy', kind: 'notification', id: undefined },
    ],
    ['legacy for a response', { jsonrpc: '2.0', id: 3, result: {} }, {}, { era: 'legacy', kind: 'response', id: undefined }],
    [
      'legacy for a batch',
      [request('tools/list'), notification('notifications/x')],
      {},
      { era: 'legacy', kind: 'batch', id: undefined },
    ],
    [
      'legacy for a batch under the one version that had them',
      [request('tools/list')],
      { 'MCP-Protocol-Version': '2025-03-26' },
      { era: 'legacy', kind: 'batch', id: undefined },
    ],
  ])('%s', ([, body, headers, expected]) => {
    expect(passage(body, headers)).toEqual(expected)
  })

  test('legacy for GET and DELETE, which have no body to say otherwise', () => {
    const headers = new Headers({ 'MCP-Protocol-Version': '2026-07-28' })
    expect(passageOf('GET', headers, undefined)).toEqual({ era: 'legacy', kind: 'stream', id: undefined })
    expect(passageOf('DELETE', headers, undefined)).toEqual({ era: 'legacy', kind: 'end', id: undefined })
  })
})

describe('headers and body of a modern message agree', () => {
  test.for<[string, unknown, Headers_]>([
    ['on the name of a tool', modern('tools/call', { name: 'echo' }), agreeing('tools/call', { 'Mcp-Name': 'echo' })],
    [
      'on a name that no header can hold as it is',
      modern('tools/call', { name: 'grüße' }),
      agreeing('tools/call', { 'Mcp-Name': '=?base64?Z3LDvMOfZQ==?=' }),
    ],
    [
      'on the address of a resource',
      modern('resources/read', { uri: 'file:///a b' }),
      agreeing('resources/read', { 'Mcp-Name': 'file:///a b' }),
    ],
    ['on a task', modern('tasks/get', { taskId: 't1' }), agreeing('tasks/get', { 'Mcp-Name': 't1' })],
    ['where the method has no name', modern('tools/list', { name: 'x' }), agreeing('tools/list', { 'Mcp-Name': 'y' })],
    ['where the name is missing in the body, which is the downstream’s to refuse', modern('tools/call'), agreeing('tools/call')],
    [
      'where the version is no string, which is the downstream’s to refuse',
      request('tools/list', { _meta: { [VERSION]: 5 } }),
      agreeing('tools/list'),
    ],
  ])('%s', ([, body, headers]) => {
    expect(passage(body, headers).era).toBe('modern')
  })
})

describe('a POST is refused when', () => {
  const call = modern('tools/call', { name: 'echo' })
  test.for<[string, unknown, Headers_, string]>([
    [
      'its version header names another version',
      modern('tools/list'),
      agreeing('tools/list', { 'MCP-Protocol-Version': '2025-11-25' }),
      'header_mismatch',
    ],
    ['its version header is missing', modern('tools/list'), { 'Mcp-Method': 'tools/list' }, 'header_mismatch'],
    [
      'its method header names another method',
      modern('tools/call', { name: 'a' }),
      agreeing('tools/list', { 'Mcp-Name': 'a' }),
      'header_mismatch',
    ],
    ['its method header has another case', modern('tools/list'), agreeing('Tools/List'), 'header_mismatch'],
    ['its method header is there twice', modern('tools/list'), agreeing('tools/list, tools/list'), 'header_mismatch'],
    ['its method header is missing', modern('tools/list'), { 'MCP-Protocol-Version': '2026-07-28' }, 'header_mismatch'],
    ['its name header names another tool', call, agreeing('tools/call', { 'Mcp-Name': 'delete' }), 'header_mismatch'],
    ['its name header is missing', call, agreeing('tools/call'), 'header_mismatch'],
    [
      'its name header hides another tool in Base64',
      call,
      agreeing('tools/call', { 'Mcp-Name': '=?base64?ZGVsZXRl?=' }),
      'header_mismatch',
    ],
    ['its name header is broken Base64', call, agreeing('tools/call', { 'Mcp-Name': '=?base64?ZWNobw?=' }), 'header_mismatch'],
    [
      'its name header is Base64 with loose bits',
      call,
      agreeing('tools/call', { 'Mcp-Name': '=?base64?ZWNobx==?=' }),
      'header_mismatch',
    ],
    ['its name header is no UTF-8', call, agreeing('tools/call', { 'Mcp-Name': '=?base64?/w==?=' }), 'header_mismatch'],
    [
      'a notification contradicts its header',
      notification('notifications/x', { _meta: modernMeta }),
      { 'Mcp-Method': 'tools/call' },
      'header_mismatch',
    ],
    ['only its header is modern', request('tools/list'), { 'MCP-Protocol-Version': '2026-07-28' }, 'missing_envelope'],
    ['its batch has a modern message', [notification('a'), modern('tools/call', { name: 'x' })], {}, 'batch_not_allowed'],
    [
      'its batch comes under a version without batches',
      [request('tools/list')],
      { 'MCP-Protocol-Version': '2025-06-18' },
      'batch_not_allowed',
    ],
    [
      'its batch comes under the modern version',
      [request('tools/list')],
      { 'MCP-Protocol-Version': '2026-07-28' },
      'batch_not_allowed',
    ],
    ['its batch initializes', [request('initialize'), request('tools/list')], {}, 'batch_not_allowed'],
  ])('%s', ([, body, headers, code]) => {
    expect(() => passage(body, headers)).toThrow(expect.objectContaining({ code, status: 400 }))
  })
})
