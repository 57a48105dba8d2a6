// Who chose an address decides by which network it is asked; what a document names is the operator's only at an origin they wrote.
import { createServer } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { addressedBy, outbound, useOperatorNetwork, type OutboundOptions } from '../../../src/platform/outbound.ts'
import { close, listen } from '../../world/listening.ts'

afterEach(() => useOperatorNetwork(undefined, []))

test.for<[string, 'operator' | 'stranger']>([
  ['https://mcp.corp.example/.well-known/oauth-protected-resource', 'operator'],
  ['https://login.corp.example/token', 'operator'],
  ['https://mcp.corp.example:8443/token', 'stranger'],
  ['http://mcp.corp.example/token', 'stranger'],
  ['https://mcp.corp.example.evil.example/token', 'stranger'],
  ['https://mcp.corp.example@10.0.0.1/token', 'stranger'],
  ['https://10.0.0.1/token', 'stranger'],
  ['no address', 'stranger'],
])('%s is chosen by the %s', ([address, by]) => {
  useOperatorNetwork(undefined, ['https://mcp.corp.example/mcp', 'https://login.corp.example', 'no address'])
  expect(addressedBy(address)).toBe(by)
})

test.for<[string, () => OutboundOptions, string]>([
  ['its headers do not come in time', () => ({ headersWithinMs: 20 }), 'timeout'],
  ['the clock of whoever asked has run out', () => ({ signal: AbortSignal.timeout(20) }), 'timeout'],
  ['whoever asked has left', () => ({ signal: AbortSignal.abort('left') }), 'aborted'],
])('a request has ended without an answer when %s', async ([, options, reason]) => {
  const server = createServer(() => undefined)
  const port = await listen(server, 0)
  await expect(outbound('operator', `http://127.0.0.1:${port}`, {}, options())).rejects.toMatchObject({ reason })
  await close(server)
})

test('an address is a stranger’s as long as nobody has said what the operator wrote', () => {
  expect(addressedBy('https://mcp.corp.example/token')).toBe('stranger')
})
