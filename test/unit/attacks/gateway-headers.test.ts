// Attacks by odd headers on the stream side, each named after the case it answers.
import { describe, expect, test } from 'vitest'
import { bearer, brokered, refusalOf, TOKEN } from '../mcp/brokered.ts'
import { serverBehind } from '../mcp/server-behind.ts'

const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
const json = { ...bearer, 'content-type': 'application/json' }

const downstream = await serverBehind()

const errorCode = (code: string) =>
  expect.objectContaining({ error: expect.objectContaining({ data: expect.objectContaining({ code }) }) })

describe('47 malformed headers', () => {
  test.for<[string, string]>([
    ['two schemes', `Bearer ${TOKEN}, Basic YTpi`],
    ['the same scheme twice', `Bearer ${TOKEN}, Bearer ${TOKEN}`],
    ['another scheme', `Basic ${btoa(`user:${TOKEN}`)}`],
    ['no token', 'Bearer'],
    ['two tokens', `Bearer ${TOKEN} ${TOKEN}`],
    ['a token with a comma', 'Bearer a,b'],
    ['a token without a scheme', TOKEN],
    ['markup', 'Bearer <script>alert(1)</script>'],
  ])('an Authorization with %s is answered 401 and not repeated', async ([, authorization]) => {
    const { ask, admissions } = brokered(downstream.url)
    const response = await ask('/mcp', { method: 'POST', headers: { ...json, authorization }, body: '{}' })
    const text = await response.text()
    expect([response.status, admissions]).toEqual([401, []])
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp", error="invalid_token"',
    )
    expect(text).not.toContain(TOKEN)
    expect(text).not.toContain('<script')
  })

  test('a request without a token is told where to get one, and not that it was wrong', async () => {
    const response = await brokered(downstream.url).ask('/mcp')
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp"',
    )
    expect(await response.json()).toEqual({
      error: 'unauthorized',
      error_description: 'Unauthorized: sign in to use this MCP server',
      request_id: response.headers.get('x-request-id'),
    })
  })

  test('a token in the URL is refused, and not repeated', async () => {
    const response = await brokered(downstream.url).ask(`/mcp?access_token=${TOKEN}`, { headers: bearer })
    expect([response.status, (await response.text()).includes(TOKEN)]).toEqual([400, false])
  })

  test.for<[string, Record<string, string>]>([
    ['two content types', { 'content-type': 'application/json, text/plain' }],
    ['bytes beyond ASCII in a protocol header', { 'mcp-param-x': 'gr\u00fc\u00dfe' }],
  ])('%s are answered 400', async ([, headers]) => {
    const { post, admissions, handedOver } = brokered(downstream.url)
    const response = await post(list, headers)
    expect([response.status, await refusalOf(response)]).toEqual([400, errorCode('malformed_header')])
    expect([admissions, handedOver, downstream.requests.all]).toEqual([[], [], []])
  })
})
