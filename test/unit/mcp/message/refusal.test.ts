import { describe, expect, test } from 'vitest'
import { waitingIn } from '../../../../src/mcp/message/label.ts'
import { openEnvelope } from '../../../../src/mcp/message/json-rpc-body.ts'
import { McpRefusal, namingRequests } from '../../../../src/mcp/message/refusal.ts'

const CALL = '{"jsonrpc":"2.0","id":9007199254740993123,"method":"tools/call","params":{"name":"echo"}}'
const PING = '{"jsonrpc":"2.0","id":"p","method":"ping"}'
const NOTE = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

const said = (body: string | undefined, isForEach = false): unknown => {
  const waiting = waitingIn(body === undefined ? undefined : openEnvelope(new TextEncoder().encode(body)))
  const refusal = new McpRefusal('limit_exceeded', 'too much', { isForEach }).for(waiting)
  return refusal.toJson('r').match(/"id":[^,]+|^\[|\]$/g)
}

describe('a refusal answers', () => {
  test.for<[string, string | undefined, boolean, unknown]>([
    ['a request by its id, as its client spelled it', CALL, false, ['"id":9007199254740993123']],
    ['a request without a body as nobody’s', undefined, false, ['"id":null']],
    ['a notification as nobody’s', NOTE, false, ['"id":null']],
    ['a batch as a whole', `[${CALL},${PING}]`, false, ['"id":null']],
    ['each request of a batch', `[${CALL},${NOTE},${PING}]`, true, ['[', '"id":9007199254740993123', '"id":"p"', ']']],
  ])('%s', ([, body, isForEach, ids]) => expect(said(body, isForEach)).toEqual(ids))

  test('the request it was made for, also where somebody further out knows another', () => {
    const refusal = new McpRefusal('invalid_message', 'no').for({ id: '7' })
    expect(namingRequests(refusal, { id: '8' })).toBe(refusal)
    expect(refusal.toJson('r')).toContain('"id":7,')
    expect(refusal.toJson('r', 'https://docs.example.com/reference/errors#x')).toContain(
      '"request_id":"r","docs":"https://docs.example.com/reference/errors#x"}',
    )
  })
})

test('what is no refusal stays what it is', () => {
  const error = new Error('a bug')
  expect(namingRequests(error, { id: '1' })).toBe(error)
})
