// What the door reads from a JSON-RPC body, and which bodies it does not let through because two parsers could differ on them.
import { describe, expect, test } from 'vitest'
import { openEnvelope } from '../../../../src/mcp/message/json-rpc-body.ts'
import { McpRefusal } from '../../../../src/mcp/message/refusal.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const open = (text: string) => openEnvelope(bytes(text))

function nested(levels: number): string {
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":${'['.repeat(levels)}${']'.repeat(levels)}}}`
}

describe('a message is read', () => {
  test('with its method, its params and its _meta', () => {
    const { isBatch, messages } = open(
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","_meta":{"a/b":1}}}',
    )
    expect(isBatch).toBe(false)
    expect(messages).toEqual([
      { kind: 'request', id: '7', method: 'tools/call', params: { name: 'echo', _meta: { 'a/b': 1 } }, meta: { 'a/b': 1 } },
    ])
  })

  test.for<[string, string, string | undefined]>([
    ['a number beyond 2^53', '{"jsonrpc":"2.0","id": 12345678901234567890 ,"method":"ping"}', '12345678901234567890'],
    ['a number with an exponent', '{"id":1e3,"jsonrpc":"2.0","method":"ping"}', '1e3'],
    ['a string with escapes', '{"jsonrpc":"2.0","method":"ping","id":"a\\u00e9\\"}"}', '"a\\u00e9\\"}"'],
    ['nothing in a notification', '{"jsonrpc":"2.0","method":"notifications/initialized"}', undefined],
    ['not one that only params have', '{"jsonrpc":"2.0","method":"x","params":{"id":5}}', undefined],
  ])('and its id is what the client wrote: %s', ([, text, id]) => {
    expect(open(text).messages[0]?.id).toBe(id)
  })

  test.for<[string, string]>([
    [
      'an object in the arguments that repeats a key',
      '{"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":{"x":1,"x":2,"X":3}}}',
    ],
    ['a key that is spelled with an escape', '{"jsonrpc":"2.0","id":1,"m\\u0065thod":"a"}'],
    [
      'brackets and quotes inside strings',
      '{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":"}]\\"{[\\\\","y":[",",{"z":"]"}]}}',
    ],
    ['members nobody knows', '{"jsonrpc":"2.0","id":1,"method":"a","extra":[{"deep":{}}],"Other":null}'],
    ['64 levels', nested(62)],
    ['params that are null, where a client has none', '{"jsonrpc":"2.0","id":1,"method":"a","params":null}'],
    ['white space in every place', ' \r\n\t{ "jsonrpc" : "2.0" , "id" : 1 , "method" : "a" , "params" : { "_meta" : { } } } \n'],
  ])('although it has %s', ([, text]) => {
    expect(open(text).messages[0]?.method).toMatch(/^(a|tools\/call)$/)
  })

  test('as a response when it has a result or an error', () => {
    expect(open('{"jsonrpc":"2.0","id":1,"result":{}}').messages[0]?.kind).toBe('response')
    expect(open('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}').messages[0]?.kind).toBe('response')
  })

  test('in its place in a batch', () => {
    const { isBatch, messages } = open(' [ {"jsonrpc":"2.0","method":"a"} , {"jsonrpc":"2.0","id":"x","method":"b"} ] ')
    expect(isBatch).toBe(true)
    expect(messages.map(({ id, method }) => [id, method])).toEqual([
      [undefined, 'a'],
      ['"x"', 'b'],
    ])
  })
})

describe('a body that two parsers could read differently is refused when', () => {
  test.for<[string, string]>([
    ['its method stands there twice', '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}'],
    ['its method stands there in a second spelling', '{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}'],
    ['its method has another case', '{"jsonrpc":"2.0","id":1,"METHOD":"tools/call"}'],
    ['the second method is hidden in an escape', '{"jsonrpc":"2.0","id":1,"method":"tools/list","\\u006dethod":"tools/call"}'],
    ['the second key folds to the first one beyond ASCII', '{"jsonrpc":"2.0","id":1,"method":"a","params":{},"param\u017f":{}}'],
    ['its id stands there twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}'],
    [
      'the name of its tool stands there twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
    ],
    [
      'the name of its tool has a second spelling',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}',
    ],
    [
      'its protocol version stands there twice',
      '{"jsonrpc":"2.0","id":1,"method":"a","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"1","io.modelcontextprotocol/protocolVersion":"2"}}}',
    ],
    ['its _meta has another case', '{"jsonrpc":"2.0","id":1,"method":"a","params":{"_Meta":{}}}'],
    ['a later message of a batch repeats a key', '[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"a","method":"b"}]'],
    ['it is nested too deeply', nested(63)],
    ['it is nested without an end', '['.repeat(100_000)],
    ['a key is half a surrogate pair', '{"jsonrpc":"2.0","id":1,"method":"a","\\ud800":1}'],
    ['its method has half a surrogate pair', '{"jsonrpc":"2.0","id":1,"method":"a\\udc00"}'],
    [
      'the name of its tool has half a surrogate pair',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud83d"}}',
    ],
    ['it is a request and a response at once', '{"jsonrpc":"2.0","id":1,"method":"a","result":{}}'],
  ])('%s', ([, text]) => {
    expect(() => open(text)).toThrow(expect.objectContaining({ code: 'ambiguous_json', status: 400 }))
  })
})

describe('a body is no message when', () => {
  test.for<[string, Uint8Array, string]>([
    ['it is empty', bytes(''), 'malformed_json'],
    ['it is cut off', bytes('{"jsonrpc":"2.0","id":1,"method":"a"'), 'malformed_json'],
    ['it goes on behind its end', bytes('{"jsonrpc":"2.0","id":1,"method":"a"}{}'), 'malformed_json'],
    ['it is not UTF-8', new Uint8Array([...bytes('{"jsonrpc":"2.0","method":"'), 0xff, ...bytes('"}')]), 'malformed_json'],
    ['it begins with a byte order mark', bytes('\uFEFF{"jsonrpc":"2.0","id":1,"method":"a"}'), 'malformed_json'],
    ['it is UTF-16', new Uint8Array(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"a"}', 'utf16le')), 'malformed_json'],
    ['it is a number', bytes('1'), 'invalid_message'],
    ['it is null', bytes('null'), 'invalid_message'],
    ['it does not say which JSON-RPC it is', bytes('{"id":1,"method":"a"}'), 'invalid_message'],
    ['it has neither method nor result', bytes('{"jsonrpc":"2.0","id":1}'), 'invalid_message'],
    ['its method is no string', bytes('{"jsonrpc":"2.0","id":1,"method":5}'), 'invalid_message'],
    ['its id is null', bytes('{"jsonrpc":"2.0","id":null,"method":"a"}'), 'invalid_message'],
    ['its id is an object', bytes('{"jsonrpc":"2.0","id":{},"method":"a"}'), 'invalid_message'],
    ['its id is endless', bytes(`{"jsonrpc":"2.0","id":"${'x'.repeat(2000)}","method":"a"}`), 'invalid_message'],
    ['its params come by position', bytes('{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}'), 'invalid_message'],
    ['it is an empty batch', bytes('[]'), 'invalid_message'],
    ['a member of the batch is no message', bytes('[{"jsonrpc":"2.0","method":"a"},1]'), 'invalid_message'],
    ['a member of the batch is a batch', bytes('[[{"jsonrpc":"2.0","method":"a"}]]'), 'invalid_message'],
  ])('%s', ([, body, code]) => {
    expect(() => openEnvelope(body)).toThrow(expect.objectContaining({ code, status: 400 }))
  })
})

test('whatever bytes come, the door answers with a message or a refusal, and soon', () => {
  const alphabet = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    ' ',
    '"method"',
    '"params"',
    '"_meta"',
    '"id"',
    '1',
    'null',
    '\\u0061',
    'é',
  ]
  let seed = 20_261_120
  const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below
  const doors = Array.from({ length: 5000 }, () => {
    const text = Array.from({ length: random(40) }, () => alphabet[random(alphabet.length)]).join('')
    return { text, answer: answerTo(text) }
  })
  expect(doors.filter(({ answer }) => answer !== 'a message' && answer !== 'McpRefusal')).toEqual([])
})

function answerTo(text: string): string {
  try {
    open(text)
    return 'a message'
  } catch (error) {
    return error instanceof Error ? error.name : 'nothing that is an error'
  }
}

test.for<[string, (message: string) => string]>([
  ['alone', (message) => message],
  ['in a batch', (message) => `[${message}]`],
])('an initialize message is kept with its session, and larger than that needs it is refused: %s', ([, sent]) => {
  const initialize = (length: number): string =>
    sent(`{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"capabilities":{"x":"${'y'.repeat(length)}"}}}`)
  expect(open(initialize(250_000)).messages).toHaveLength(1)
  const code = 'body_too_large'
  const message = 'an initialize message may have 262144 bytes'
  expect(() => open(initialize(270_000))).toThrow(expect.objectContaining({ code, status: 413, message }))
  expect(refusalOf(initialize(270_000))).toContain('"id":"a"')
  expect(open(initialize(270_000).replace('"initialize"', '"tools/call"')).messages).toHaveLength(1)
})

function refusalOf(text: string): string | undefined {
  try {
    open(text)
    return undefined
  } catch (error) {
    return error instanceof McpRefusal ? error.toJson('r') : undefined
  }
}
