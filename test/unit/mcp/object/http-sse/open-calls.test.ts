// A server of HTTP+SSE sends everything over one connection: what belongs to which call is read from the messages themselves.
import { describe, expect, test } from 'vitest'
import { openEnvelope } from '../../../../../src/mcp/message/json-rpc-body.ts'
import { OpenCalls } from '../../../../../src/mcp/object/http-sse/open-calls.ts'

const request = (id: string, token?: string): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"x"${token === undefined ? '' : `,"_meta":{"progressToken":${token}}`}}}`
const response = (id: string): string => `{"jsonrpc":"2.0","id":${id},"result":{}}`
const progress = (token: string): string =>
  `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1}}`

function opened(...bodies: readonly string[]): OpenCalls<string> {
  const calls = new OpenCalls<string>()
  for (const body of bodies) calls.open(body, openEnvelope(new TextEncoder().encode(body)).messages)
  return calls
}

const NOTHING = { call: undefined, completed: [], isStray: false }

describe('a message goes to', () => {
  const [one, two, text, batch] = [
    request('1', '"t"'),
    request('2', '7'),
    request('"1"', '"7"'),
    `[${request('8')},${request('9', '"b"')}]`,
  ]

  test.for<[string, string, string]>([
    ['the call whose request it answers', response('2'), two],
    ['the call with the same id of the same type', response('"1"'), text],
    ['the call whose client spelled the same number differently', response('2.0'), two],
    ['the call an error is about', '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}', one],
    ['the call whose token it names', progress('"t"'), one],
    ['the call with the same token of the same type', progress('"7"'), text],
    ['the batch a token is from', progress('"b"'), batch],
    ['the call the first answer of a batch is for', `[${response('9')},${response('2')}]`, batch],
  ])('%s', ([, message, call]) => {
    expect(opened(one, two, text, batch).route(message).call).toBe(call)
  })

  test.for<[string, string]>([
    ['a request of the server, whatever its id', request('1')],
    ['a notification', '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'],
    ['progress of nothing that is open', progress('"x"')],
    ['progress without a token', '{"jsonrpc":"2.0","method":"notifications/progress"}'],
    ['an error about a message nobody could read', '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}'],
    ['something that is not JSON', '{'],
    ['something that is no message', '7'],
  ])('no call in particular: %s', ([, message]) => {
    expect(opened(one, two, text, batch).route(message)).toEqual(NOTHING)
  })
})

describe('a call', () => {
  test('is complete with its answer, and what comes for it afterwards is a stray', () => {
    const calls = opened(request('1', '"t"'))
    expect(calls.route(progress('"t"')).completed).toEqual([])
    expect(calls.route(response('1')).completed).toHaveLength(1)
    expect([calls.route(response('1')).isStray, calls.route(progress('"t"'))]).toEqual([true, NOTHING])
    expect(calls.size).toBe(0)
  })

  test('of a batch is complete with its last answer', () => {
    const calls = opened(`[${request('1')},${request('2')}]`)
    expect(calls.route(response('2')).completed).toEqual([])
    expect(calls.route(response('1')).completed).toHaveLength(1)
  })

  test('of a batch may be answered in one message', () => {
    expect(opened(`[${request('1')},${request('2')}]`).route(`[${response('1')},${response('2')}]`).completed).toHaveLength(1)
  })

  test('that is taken back is complete, and is answered no more', () => {
    const calls = opened(request('1'), `[${request('2')},${request('3')}]`)
    expect(calls.withdraw(1)?.isComplete).toBe(true)
    expect(calls.withdraw(2)?.isComplete).toBe(false)
    expect(calls.withdraw('3')).toBeUndefined()
    expect(calls.route(response('1')).isStray).toBe(true)
    expect(calls.route(response('3')).completed).toHaveLength(1)
  })

  test('that took the token of an older one keeps it when that ends', () => {
    const [older, newer] = [request('1', '"t"'), request('2', '"t"')]
    const calls = opened(older, newer)
    calls.route(response('1'))
    expect(calls.route(progress('"t"')).call).toBe(newer)
  })

  test('the oldest that is open is known, and all of them when they end', () => {
    const [one, two, three] = [request('1'), request('2'), request('3')]
    const calls = opened(one, two, three)
    calls.remove(one)
    expect(calls.oldest).toBe(two)
    expect(calls.clear()).toEqual([two, three])
    expect([calls.size, calls.oldest]).toEqual([0, undefined])
  })
})
