// Answers of a server of 2026-07-28 as clients of the older revisions get them: what is of the era goes, everything else keeps its bytes.
import { describe, expect, test } from 'vitest'
import { answersId, headersListed, legacyAnswer } from '../../../../src/mcp/bridge/legacy-answer.ts'

const told = (text: string, method = 'tools/call', params: object = {}): unknown => {
  const answer = legacyAnswer(text, { id: '1.0', method, params: { ...params } })
  return answer.kind === 'final' ? answer.message : answer
}

describe('a result', () => {
  test.for<[string, string, string, string?]>([
    ['keeps what it says, its numbers too', '{"n":12345678901234567890,"content":[]}', '{"n":12345678901234567890,"content":[]}'],
    ['loses what is of the era', '{"resultType":"complete","a":1,"ttlMs":5,"cacheScope":"private"}', '{"a":1}'],
    [
      'loses what the protocol says in _meta',
      '{"_meta":{"io.modelcontextprotocol/serverInfo":{},"x/y":1}}',
      '{"_meta":{"x/y":1}}',
    ],
    ['loses _meta with the last of it', '{"a":1,"_meta":{"io.modelcontextprotocol/serverInfo":{}}}', '{"a":1}'],
    ['keeps a _meta of somebody else’s', '{"_meta":{"x/y":1}}', '{"_meta":{"x/y":1}}'],
    [
      'keeps structured content that is an object',
      '{"structuredContent":{"a":1e0},"content":[]}',
      '{"structuredContent":{"a":1e0},"content":[]}',
    ],
    [
      'has other structured content as text',
      '{"structuredContent":[1,"a"],"content":[]}',
      '{"content":[{"type":"text","text":"[1,\\"a\\"]"}]}',
    ],
    ['has it as text where there is no content', '{"structuredContent":7}', '{"content":[{"type":"text","text":"7"}]}'],
    [
      'has text already',
      '{"structuredContent":null,"content":[{"type":"text","text":"x"}]}',
      '{"content":[{"type":"text","text":"x"}]}',
    ],
    [
      'lists no tool whose headers are wrong',
      '{"tools":[{"name":"a","inputSchema":{"x-mcp-header":"A"}},{"name":"b","inputSchema":{"type":"object","n":1.0}}]}',
      '{"tools":[{"name":"b","inputSchema":{"type":"object","n":1.0}}]}',
      'tools/list',
    ],
    [
      'lists a tool without an output that is no object',
      '{"tools":[{"name":"a","outputSchema":{"type":"array"},"x":1e1},{"name":"b","outputSchema":{"type":"object"}}]}',
      '{"tools":[{"name":"a","x":1e1},{"name":"b","outputSchema":{"type":"object"}}]}',
      'tools/list',
    ],
    ['lists what is no list as it is', '{"tools":{"outputSchema":1}}', '{"tools":{"outputSchema":1}}', 'tools/list'],
  ])('%s', ([, result, expected, method]) => {
    expect(told(`{"jsonrpc":"2.0","id":1,"result":${result}}`, method)).toBe(`{"jsonrpc":"2.0","id":1.0,"result":${expected}}`)
  })

  test('that asks for input is for the call to go on with', () => {
    const result = '{"resultType":"input_required","requestState":"s"}'
    expect(told(`{"id":1,"result":${result}}`)).toEqual({ kind: 'input_required', result })
  })

  test.for([
    ['of another type', '{"id":1,"result":{"resultType":"task"}}'],
    ['of a type that is no text', '{"id":1,"result":{"resultType":7}}'],
    ['that is none', '{"id":1,"result":[]}'],
    ['that is neither', '{"id":1}'],
    ['whose error is none', '{"id":1,"error":"no"}'],
  ])('%s is an error', ([, text = '']) => {
    expect(JSON.parse(String(told(text)))).toMatchObject({ id: 1, error: { code: -32_603 } })
  })
})

describe('an error', () => {
  test.for<[string, string, object, object, object]>([
    ['stays what it is', 'x', {}, { code: -32_601, message: 'no' }, { code: -32_601, message: 'no' }],
    ['of a server’s own stays', 'x', {}, { code: -1, message: 'no', data: [1] }, { code: -1, message: 'no', data: [1] }],
    [
      'about headers is internal',
      'x',
      {},
      { code: -32_020, message: 'no' },
      { code: -32_603, data: { original: { code: -32_020, message: 'no' } } },
    ],
    ['about a capability is internal', 'x', {}, { code: -32_021, message: 'no' }, { code: -32_603 }],
    ['about a version is internal', 'x', {}, { code: -32_022, message: 'no' }, { code: -32_603 }],
    [
      'about a resource that is not there has its old code',
      'resources/read',
      { uri: 'a:b' },
      { code: -32_602, message: 'no', data: { uri: 'a:b' } },
      { code: -32_002, data: { uri: 'a:b' } },
    ],
    [
      'about another resource stays',
      'resources/read',
      { uri: 'a:b' },
      { code: -32_602, message: 'no', data: { uri: 'a:c' } },
      { code: -32_602 },
    ],
    ['about no resource stays', 'resources/read', {}, { code: -32_602, message: 'no', data: {} }, { code: -32_602 }],
  ])('%s', ([, method, params, error, expected]) => {
    const answer = JSON.parse(String(told(JSON.stringify({ jsonrpc: '2.0', id: null, error }), method, params)))
    expect(answer).toMatchObject({ id: 1, error: expected })
  })
})

test.for<[string, boolean]>([
  ['{"id":1,"result":{}}', true],
  ['{"id":1.0,"error":{}}', true],
  ['{"id":null,"error":{}}', true],
  ['{"error":{}}', true],
  ['{"id":null,"result":{}}', false],
  ['{"id":"1","result":{}}', false],
  ['{"id":1,"method":"x","result":{}}', false],
  ['{"id":1}', false],
  ['7', false],
])('%s answers request 1: %s', ([text, isAnswer]) => {
  expect(answersId(JSON.parse(text), '1')).toBe(isAnswer)
})

test('headers of tools are learned from a list, by name', () => {
  const tool = { name: 'a', inputSchema: { properties: { r: { type: 'string', 'x-mcp-header': 'Region' } } } }
  const page = JSON.stringify({ result: { tools: [tool, { name: 'b' }, 7], nextCursor: 'n' } })
  expect(headersListed(page)).toEqual({ tools: new Map([['a', [{ at: ['r'], header: 'Region' }]]]), nextCursor: 'n' })
  expect(headersListed('{"result":{}}')).toBeUndefined()
})
