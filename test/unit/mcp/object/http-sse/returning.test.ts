// A client of HTTP+SSE that comes back gets the session that can only be its own, or one like it, and never somebody else's.
import { describe, expect, test } from 'vitest'
import { returningTo } from '../../../../../src/mcp/object/http-sse/returning.ts'
import type { McpSession } from '../../../../../src/session/store/mcp-sessions.ts'

function session(id: string, changes: Partial<McpSession> = {}): McpSession {
  const bridge = { client: 'http-sse', downstream: 'http-sse' } as const
  const common = { grantId: 'grant', resource: 'r', downstreamId: undefined, protocolVersion: undefined, lastUsedAt: 0, bridge }
  return { id, ...common, initialize: '{}', ...changes }
}

const streamable = session('streamable', { bridge: { client: 'streamable-http', downstream: 'http-sse' } })
const foreign = session('foreign', { grantId: 'another' })
const fresh = session('fresh', { initialize: '' })

describe('a client that comes back gets', () => {
  test.for<[string, McpSession[], { id: string; isTheirs: boolean } | undefined]>([
    ['the only session of its grant', [foreign, session('a'), streamable], { id: 'a', isTheirs: true }],
    [
      'one like the session that was used last, when there are several',
      [session('a'), session('b')],
      { id: 'b', isTheirs: false },
    ],
    ['one like the session there is, when another client has just come', [session('a'), fresh], { id: 'a', isTheirs: false }],
    ['nothing of another grant', [foreign], undefined],
    ['nothing of a client of streamable HTTP', [streamable], undefined],
    ['nothing of a client that was never initialized', [fresh], undefined],
    ['nothing where there is nothing', [], undefined],
  ])('%s', ([, sessions, expected]) => {
    const found = returningTo(sessions, 'grant', false)
    expect(found && { id: found.session.id, isTheirs: found.isTheirs }).toEqual(expected)
  })
})
