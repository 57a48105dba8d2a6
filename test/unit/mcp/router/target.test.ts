// Which downstream a path belongs to, and which URL of it.
import { describe, expect, test } from 'vitest'
import { downstreamAt, targetOf } from '../../../../src/mcp/router/target.ts'
import type { Downstream } from '../../../../src/settings/downstreams.ts'

const downstream: Downstream = {
  name: 'mcp',
  path: '/mcp',
  resource: 'https://mcp.example.com/mcp',
  url: 'https://tools.example.net/v1/mcp?tenant=7',
  auth: 'none',
  transport: 'auto',
  scopes: ['mcp'],
}

test.for<[string, string]>([
  ['/mcp', 'https://tools.example.net/v1/mcp?tenant=7'],
  ['/mcp/', 'https://tools.example.net/v1/mcp?tenant=7'],
  ['/mcp?a=1&b=%20', 'https://tools.example.net/v1/mcp?tenant=7&a=1&b=%20'],
  ['/mcp/sub/path', 'https://tools.example.net/v1/mcp/sub/path?tenant=7'],
  ['/mcp/a%20b/ö', 'https://tools.example.net/v1/mcp/a%20b/%C3%B6?tenant=7'],
  ['/mcp/a%252e%252e/b', 'https://tools.example.net/v1/mcp/a%252e%252e/b?tenant=7'],
  ['/mcp/a%3Fb%23c', 'https://tools.example.net/v1/mcp/a%3Fb%23c?tenant=7'],
])('%s goes to %s', ([asked, target]) => {
  expect(targetOf(downstream, new URL(asked, 'https://mcp.example.com'))).toBe(target)
})

describe('a suffix goes nowhere that could mean another path to the downstream', () => {
  test.for(['/mcp/..%2fadmin', '/mcp/a%2Fb', '/mcp/a%5cb', '/mcp/%00', '/mcp/%zz', '/mcp/%ff', '/mcp/a%0d%0ab'])(
    '%s',
    (asked) => {
      expect(targetOf(downstream, new URL(asked, 'https://mcp.example.com'))).toBeUndefined()
    },
  )
})

const at = (url: string, auth: Downstream['auth']): string | undefined =>
  targetOf({ ...downstream, url, auth }, new URL('/mcp/v1/users/1', 'https://mcp.example.com'))

test('a suffix goes nowhere with a secret of the operator’s where the server is the whole host', () => {
  expect([at('https://a.example', 'static'), at('https://a.example/?x=1', 'access-service-token')]).toEqual([
    undefined,
    undefined,
  ])
  expect([at('https://a.example/mcp', 'static'), at('https://a.example', 'identity-jwt')]).toEqual([
    'https://a.example/mcp/v1/users/1',
    'https://a.example/v1/users/1',
  ])
})

describe('a query goes nowhere that names what the operator has written into the URL', () => {
  test.for([
    '/mcp?tenant=8',
    '/mcp/?a=1&TENANT=8',
    '/mcp/sub?%74enant=8',
    '/mcp?tenant[]=8',
    '/mcp?a=1;tenant=8',
    '/mcp?tenant%00=8',
    '/mcp?tenant',
    '/mcp?&+&tenant=7',
  ])('%s', (asked) => {
    expect(targetOf(downstream, new URL(asked, 'https://mcp.example.com'))).toBeUndefined()
  })

  test('also where one server makes an underscore of it', () => {
    const readOnly = { ...downstream, url: 'https://tools.example.net/mcp?read_only=true' }
    for (const name of ['read.only', 'read%20only', 'read+only', 'Read_Only', 'read_only[0]'])
      expect(targetOf(readOnly, new URL(`/mcp?${name}=false`, 'https://mcp.example.com'))).toBeUndefined()
    expect(targetOf(readOnly, new URL('/mcp?project=1', 'https://mcp.example.com'))).toBe(`${readOnly.url}&project=1`)
  })
})

test.for<[string, boolean]>([
  ['/mcp', true],
  ['/mcp/', true],
  ['/mcp/x', true],
  ['/mcpx', false],
  ['//mcp', false],
  ['/%6dcp', false],
  ['/MCP', false],
  ['/x/mcp', false],
])('whether %s is a path of the downstream: %s', ([pathname, isOurs]) => {
  expect(downstreamAt(pathname, [downstream]) !== undefined).toBe(isOurs)
})
