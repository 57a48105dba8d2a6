// Which session a client of HTTP+SSE comes back to that does not say where it was.
import { expect, test } from 'vitest'
import { returningTo } from '../../../../../src/mcp/object/http-sse/returning.ts'
import type { McpSession } from '../../../../../src/session/store/mcp-sessions.ts'

const ORDINARY = 'AAAAAAAAAAAAAAAAAAAAAA'
const EXCHANGED = `ex_${ORDINARY}`

function session(id: string, grantId: string, initialize = 'as program one'): McpSession {
  const bridge = { client: 'http-sse', downstream: 'http-sse' } as const
  return { id, grantId, resource: '', downstreamId: undefined, protocolVersion: undefined, initialize, lastUsedAt: 0, bridge }
}

test('a client that signed in comes back to its only session', () => {
  expect(returningTo([session('one', ORDINARY)], ORDINARY, false)).toMatchObject({ session: { id: 'one' }, isTheirs: true })
})

test('a program that exchanged a token gets no other program’s stream, though there is only one', () => {
  expect(returningTo([session('one', EXCHANGED)], EXCHANGED, true)).toMatchObject({ session: { id: 'one' }, isTheirs: false })
})

test('nor is it initialized as one of several different programs', () => {
  const sessions = [session('one', EXCHANGED), session('two', EXCHANGED, 'as program two')]
  expect(returningTo(sessions, EXCHANGED, true)).toBeUndefined()
})
