// Rounds of questions: which a client may be asked, how they are worded for it, and what its answers mean to the server.
import { describe, expect, test } from 'vitest'
import { givenIn, inputResponses, questionFor, roundIn } from '../../../../src/mcp/bridge/input-required.ts'

const client = (capabilities: string) => ({ protocolVersion: '2025-11-25', capabilities, clientInfo: '{}', logLevel: undefined })
const asking = (request: string): string => `{"inputRequests":{"k":${request}},"requestState":"\\u0073"}`

const includes = (text: string): unknown => expect.stringContaining(text)

describe('a client that declares', () => {
  test.for<[string, string, string | undefined]>([
    ['{"elicitation":{}}', '{"method":"elicitation/create","params":{"mode":"form"}}', undefined],
    ['{"elicitation":{}}', '{"method":"elicitation/create"}', undefined],
    ['{"elicitation":{"url":{}}}', '{"method":"elicitation/create","params":{"mode":"url"}}', undefined],
    ['{"elicitation":{}}', '{"method":"elicitation/create","params":{"mode":"url"}}', 'elicitation.url'],
    ['{"elicitation":{"url":{}}}', '{"method":"elicitation/create","params":{}}', 'elicitation.form'],
    ['{}', '{"method":"elicitation/create"}', 'declared elicitation'],
    ['{"sampling":{}}', '{"method":"sampling/createMessage","params":{}}', undefined],
    ['{"sampling":{}}', '{"method":"sampling/createMessage","params":{"tools":[]}}', 'sampling.tools'],
    ['{"sampling":{"tools":{}}}', '{"method":"sampling/createMessage","params":{"tools":[]}}', undefined],
    ['{"roots":{}}', '{"method":"roots/list"}', undefined],
    ['{}', '{"method":"roots/list"}', 'declared roots'],
    ['{"roots":{}}', '{"method":"tools/list"}', 'no question'],
    ['{"roots":{}}', '{}', 'no method'],
  ])('%s and is asked %s: %s', ([declared, request, broken]) => {
    const round = roundIn(asking(request), client(declared))
    const said = broken === undefined ? { questions: [{ key: 'k' }], requestState: '"\\u0073"' } : { broken: includes(broken) }
    expect(round).toMatchObject(said)
  })
})

test('two questions of one name are none', () => {
  const round = roundIn('{"inputRequests":{"k":{"method":"roots/list"},"k":{"method":"roots/list"}}}', client('{"roots":{}}'))
  expect(round).toMatchObject({ broken: 'two questions have the same name' })
})

test('a question keeps every byte but what the revision of the client wants', () => {
  const params = '{"mode":"url","n":12345678901234567890}'
  const question = { key: 'k', method: 'elicitation/create', params }
  const head = '{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":'
  expect(questionFor(question, 'q', '2025-11-25', 'e')).toBe(
    `${head}{"mode":"url","n":12345678901234567890,"elicitationId":"e"}}`,
  )
  const form = { ...question, params: '{"mode":"form","a":1e0}' }
  expect(questionFor(form, 'q', '2025-11-25', 'e')).toBe(`${head}{"mode":"form","a":1e0}}`)
  expect(questionFor(form, 'q', '2025-06-18', 'e')).toBe(`${head}{"a":1e0}}`)
})

test('answers go back as they are spelled; an error is a cancel, or ends the call', () => {
  expect(givenIn('{"id":"q","result":{"n":1e0}}', 'roots/list')).toEqual({ input: '{"n":1e0}' })
  expect(givenIn('{"id":"q","error":{"code":-1}}', 'elicitation/create')).toEqual({ input: '{"action":"cancel"}' })
  expect(givenIn('{"id":"q","error":{"code":-1}}', 'roots/list')).toEqual({ error: '{"code":-1}' })
  expect(givenIn('{"id":"q","error":7}', 'roots/list')).toHaveProperty('error', expect.stringContaining('-32603'))
  expect(inputResponses(new Map([['a"', '1e0']]))).toBe('{"a\\"":1e0}')
  expect(inputResponses(new Map())).toBeUndefined()
})
