// What a downstream speaks is what the operator says, or what it has proved, and that only for a while.
import { describe, expect, test } from 'vitest'
import { mayBeSse, Transports } from '../../../../../src/mcp/object/http-sse/transports.ts'
import type { Downstream } from '../../../../../src/settings/downstreams.ts'

function downstream(transport: Downstream['transport'], resource = 'https://mcp.example.com/mcp'): Downstream {
  return { name: 'mcp', path: '/mcp', resource, url: 'https://tools.example.com/', auth: 'none', scopes: [], transport }
}

const auto = downstream('auto')

test('what the operator says is not found out', () => {
  const transports = new Transports()
  transports.foundSse(downstream('streamable-http'), 0)
  expect(transports.of(downstream('streamable-http'), 1)).toBe('streamable-http')
  transports.foundNoSse(downstream('http-sse'))
  expect(transports.of(downstream('http-sse'), 1)).toBe('http-sse')
})

test('what was found out is remembered for ten minutes, for this downstream', () => {
  const transports = new Transports()
  expect(transports.of(auto, 0)).toBeUndefined()
  transports.foundSse(auto, 0)
  expect(transports.of(auto, 599_999)).toBe('http-sse')
  expect(transports.of(auto, 600_000)).toBeUndefined()
  expect(transports.of(downstream('auto', 'https://mcp.example.com/other'), 1)).toBeUndefined()
})

test('a downstream that answers as another kind is forgotten', () => {
  const transports = new Transports()
  transports.foundSse(auto, 0)
  transports.foundNoSse(auto)
  expect(transports.of(auto, 1)).toBeUndefined()
})

describe('an answer to the first message', () => {
  test.for([400, 404, 405])('with status %i may be that of an HTTP+SSE server', (status) => {
    expect(mayBeSse(auto, status)).toBe(true)
    expect(mayBeSse(downstream('streamable-http'), status)).toBe(false)
  })

  test.for([200, 202, 401, 403, 406, 415, 429, 500, 502, 503, 504])('with status %i proves nothing', (status) => {
    expect(mayBeSse(auto, status)).toBe(false)
  })
})
