// What a client of 2026-07-28 and a server of the legacy eras are told of each other: judged, edited and asked without either of them.
import { describe, expect, test } from 'vitest'
import { legacyCapabilities, missingFor } from '../../../../src/mcp/bridge/client-capabilities.ts'
import { canonical } from '../../../../src/platform/canonical-json.ts'
import { legacyNotification, legacyRequest, progressTokenIn } from '../../../../src/mcp/bridge/legacy-request.ts'
import { isAtLeast, mostVerbose } from '../../../../src/mcp/bridge/log-level.ts'
import { errorCodeIn, modernResponse, urlsWantedIn } from '../../../../src/mcp/bridge/modern-response.ts'
import { senderOf } from '../../../../src/mcp/bridge/request-sender.ts'
import {
  askedAgain,
  inputRequired,
  isResponseTo,
  questionParams,
  noAnswerTo,
} from '../../../../src/mcp/bridge/server-questions.ts'
import { filterIn, honoured, listsWanted, wants } from '../../../../src/mcp/bridge/subscription-filter.ts'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const LEVEL = 'io.modelcontextprotocol/logLevel'

describe('a request is judged by what it says of its sender', () => {
  const good = { [VERSION]: '2026-07-28', [CAPABILITIES]: { roots: {} } }

  test('and what it declares is what it can be asked', () => {
    const sender = senderOf({ meta: { ...good, progressToken: 0, [LEVEL]: 'notice' } })
    expect(sender).toEqual({ capabilities: { roots: {} }, clientInfo: undefined, logLevel: 'notice', wantsProgress: true })
  })

  test.for<[string, object, string, number]>([
    ['a version that is no text', { [VERSION]: 1 }, 'invalid_request_meta', 400],
    ['another version', { [VERSION]: '2030-01-01' }, 'unsupported_protocol_version', 400],
    ['no capabilities', { [CAPABILITIES]: undefined }, 'invalid_request_meta', 400],
    ['capabilities that are none', { [CAPABILITIES]: { roots: true } }, 'invalid_request_meta', 400],
    ['a level nobody knows', { [LEVEL]: 'trace' }, 'invalid_request_meta', 400],
    ['a progress token that is none', { progressToken: {} }, 'invalid_request_meta', 400],
  ])('%s', ([, change, code, status]) => {
    expect(() => senderOf({ meta: { ...good, ...change } })).toThrow(expect.objectContaining({ code, status }))
  })
})

describe('capabilities', () => {
  test('are declared to a legacy server without what it could not use', () => {
    const declared = {
      sampling: { tools: {}, context: {} },
      roots: { listChanged: true },
      elicitation: {},
      extensions: { 'io.modelcontextprotocol/tasks': {}, 'com.example/x': { b: 1, a: 2 } },
      somethingElse: 1,
    }
    expect(legacyCapabilities(declared)).toBe(
      '{"elicitation":{},"extensions":{"com.example/x":{"a":2,"b":1}},"roots":{},"sampling":{"context":{},"tools":{}}}',
    )
    expect(legacyCapabilities({})).toBe('{}')
  })

  test('are the same set in any order', () => {
    expect(canonical({ b: [{ d: 1, c: null }], a: 'x' })).toBe(canonical({ a: 'x', b: [{ c: null, d: 1 }] }))
  })

  test.for<
    [string, { method: string; params?: Record<string, unknown> }, Record<string, Record<string, unknown>>, object | undefined]
  >([
    ['a form to a client that says nothing of modes', { method: 'elicitation/create' }, { elicitation: {} }, undefined],
    [
      'an address to the same',
      { method: 'elicitation/create', params: { mode: 'url' } },
      { elicitation: {} },
      { elicitation: { url: {} } },
    ],
    [
      'a form to one that opens addresses alone',
      { method: 'elicitation/create' },
      { elicitation: { url: {} } },
      { elicitation: { form: {} } },
    ],
    ['anything to a client that is not asked', { method: 'elicitation/create' }, {}, { elicitation: { form: {} } }],
    ['roots', { method: 'roots/list' }, { roots: {} }, undefined],
    ['roots to a client without any', { method: 'roots/list' }, { sampling: {} }, { roots: {} }],
    ['a model', { method: 'sampling/createMessage' }, { sampling: {} }, undefined],
    [
      'a model with tools',
      { method: 'sampling/createMessage', params: { tools: [] } },
      { sampling: {} },
      { sampling: { tools: {} } },
    ],
  ])('are needed to ask: %s', ([, { method, params = {} }, declared, missing]) => {
    expect(missingFor({ method, params }, declared)).toEqual(missing)
  })
})

describe('a request for a legacy server', () => {
  test('keeps every byte that is not of the later revision', () => {
    const body = `{ "jsonrpc":"2.0","id" : 1e0,"method":"tools/call","params":{"name":"a","arguments":{"n":10000000000000000001,"x":1,"x":2},"inputResponses":{},"requestState":"s","_meta":{"${VERSION}":"2026-07-28","progressToken":"t","com.example/k":0.10,"${LEVEL}":"info"}}}`
    expect(legacyRequest(body, JSON.parse(body).params._meta, 'own')).toBe(
      '{ "jsonrpc":"2.0","id" : "own","method":"tools/call","params":{"name":"a","arguments":{"n":10000000000000000001,"x":1,"x":2},"_meta":{"progressToken":"own","com.example/k":0.10}}}',
    )
    expect(progressTokenIn(body)).toBe('"t"')
  })

  test('has no _meta where nothing of it is left', () => {
    const meta = { [VERSION]: '2026-07-28' }
    const body = JSON.stringify({ id: 1, method: 'tools/list', params: { _meta: meta } })
    expect(legacyRequest(body, meta, 'own')).toBe('{"id":"own","method":"tools/list","params":{}}')
    expect(legacyNotification('{"method":"notifications/x"}', {})).toBe('{"method":"notifications/x"}')
  })
})

describe('a response of a legacy server', () => {
  const asked = { id: '"c"', method: 'tools/list', serverInfo: '{"name":"s","version":"1"}' }

  test('gets what a client of 2026-07-28 wants, and keeps everything else', () => {
    const text =
      '{"jsonrpc":"2.0","id":"own","result":{"tools":[{"name":"a","execution":{"taskSupport":"required"},"x":1.0}],"_meta":{"k":1}}}'
    expect(modernResponse(text, asked)).toEqual({
      status: 200,
      text: '{"jsonrpc":"2.0","id":"c","result":{"tools":[{"name":"a","x":1.0}],"_meta":{"k":1,"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}}',
    })
  })

  test.for<[number, number, number]>([
    [-32601, -32601, 404],
    [-32002, -32602, 200],
    [-32042, -32603, 200],
    [-32020, -32603, 200],
    [-32099, -32603, 200],
    [-32019, -32019, 200],
    [-32100, -32100, 200],
    [1, 1, 200],
  ])('with the error %i is told as %i', ([code, told, status]) => {
    const { text, status: given } = modernResponse(`{"jsonrpc":"2.0","id":"own","error":{"code":${code},"message":"m"}}`, asked)
    expect([errorCodeIn(text), given]).toEqual([told, status])
  })

  test('that wants the person to go somewhere says where', () => {
    const error = {
      code: -32042,
      message: 'm',
      data: { elicitations: [{ mode: 'url', message: 'Sign in', url: 'https://x.example', elicitationId: 'e' }] },
    }
    expect(urlsWantedIn(JSON.stringify({ id: 1, error }))).toEqual([{ message: 'Sign in', url: 'https://x.example' }])
    expect(urlsWantedIn(JSON.stringify({ id: 1, error: { ...error, data: {} } }))).toBeUndefined()
    expect(urlsWantedIn('{"id":1,"result":{"n":-32042}}')).toBeUndefined()
  })
})

describe('a question of a legacy server', () => {
  test('is asked without what belongs to the earlier revision', () => {
    const params = questionParams(
      '{"id":1,"method":"elicitation/create","params":{"message":"m","elicitationId":"e","task":{},"_meta":{},"n":1.0}}',
    )
    expect(params).toBe('{"message":"m","n":1.0}')
    expect(
      JSON.parse(
        inputRequired(
          '7',
          [
            { key: 'q1', method: 'elicitation/create', params },
            { key: 'q2', method: 'roots/list', params: undefined },
          ],
          'state',
        ),
      ),
    ).toEqual({
      jsonrpc: '2.0',
      id: 7,
      result: {
        resultType: 'input_required',
        inputRequests: { q1: { method: 'elicitation/create', params: { message: 'm', n: 1 } }, q2: { method: 'roots/list' } },
        requestState: 'state',
      },
    })
  })

  test.for<[string, unknown, boolean]>([
    ['elicitation/create', { action: 'accept', content: { a: 1 } }, true],
    ['elicitation/create', { action: 'maybe' }, false],
    ['elicitation/create', { method: 'elicitation/create', result: { action: 'accept' } }, false],
    ['sampling/createMessage', { role: 'assistant', content: { type: 'text', text: 'x' }, model: 'm' }, true],
    ['sampling/createMessage', { role: 'assistant', content: 'x', model: 'm' }, false],
    ['roots/list', { roots: [{ uri: 'file:///x' }] }, true],
    ['roots/list', { roots: ['file:///x'] }, false],
    ['roots/list', null, false],
  ])('%s is answered by %j: %s', ([method, response, isOne]) => {
    expect(isResponseTo(method, response)).toBe(isOne)
  })

  test('that nobody answers is declined in the words of its method', () => {
    expect(JSON.parse(noAnswerTo('5', 'elicitation/create', 'late'))).toMatchObject({ id: 5, result: { action: 'cancel' } })
    expect(JSON.parse(noAnswerTo('"x"', 'sampling/createMessage', 'late'))).toMatchObject({ id: 'x', error: { code: -1 } })
    expect(JSON.parse(noAnswerTo('5', 'roots/list', 'late'))).toMatchObject({ error: { code: -32603 } })
  })

  test('is about the same request whatever is of one attempt alone', () => {
    const params = { name: 'a', arguments: { x: 1, y: 2 } }
    expect(askedAgain({ ...params, _meta: { progressToken: 1 }, requestState: 's', inputResponses: {} })).toBe(
      askedAgain({ arguments: { y: 2, x: 1 }, name: 'a', _meta: {} }),
    )
    expect(askedAgain({ ...params, arguments: { x: 1, y: 3 } })).not.toBe(askedAgain(params))
  })
})

describe('a subscription', () => {
  const offers = { tools: { listChanged: true }, prompts: {}, resources: { subscribe: true } }

  test('is honoured as far as the server can bring it', () => {
    const filter = filterIn({
      notifications: {
        toolsListChanged: true,
        promptsListChanged: true,
        resourcesListChanged: true,
        resourceSubscriptions: ['a', 'a', 'b'],
      },
    })
    expect(honoured(filter ?? {}, offers)).toEqual({ toolsListChanged: true, resourceSubscriptions: ['a', 'b'] })
    expect(honoured(filter ?? {}, undefined)).toEqual({})
    expect(filterIn({})).toBeUndefined()
    expect(filterIn({ notifications: { toolsListChanged: 'yes' } })).toBeUndefined()
  })

  test('brings what was asked for, and an update nobody named to everybody with subscriptions', () => {
    const filter = { toolsListChanged: true, resourceSubscriptions: ['a'] }
    expect(listsWanted(filter)).toEqual(['notifications/tools/list_changed'])
    expect(wants(filter, 'notifications/prompts/list_changed', undefined, false)).toBe(false)
    expect(wants(filter, 'notifications/resources/updated', 'a', true)).toBe(true)
    expect(wants(filter, 'notifications/resources/updated', 'b', true)).toBe(false)
    expect(wants(filter, 'notifications/resources/updated', 'b/part', false)).toBe(true)
    expect(wants({ toolsListChanged: true }, 'notifications/resources/updated', 'b', false)).toBe(false)
  })
})

describe('levels of log messages', () => {
  test('are served from the most verbose on', () => {
    expect(mostVerbose([undefined, 'error', 'info'])).toBe('info')
    expect(mostVerbose([undefined])).toBeUndefined()
    expect([isAtLeast('error', 'info'), isAtLeast('debug', 'info'), isAtLeast('info', 'info')]).toEqual([true, false, true])
  })
})
