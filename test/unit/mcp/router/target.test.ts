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
