// The downstream's answer to a client that ends its session.
import { readBounded } from '../../platform/bounded-body.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import { McpRefusal } from '../message/refusal.ts'
import { responseHeaders } from '../downstream/passing-headers.ts'
import { judged } from '../downstream/session-doubt.ts'

const SHORT = { mostBytes: 64 * 1024, withinMs: 1_000 } as const

/** A downstream that lost the session has ended it; 405 means that it lets no client end one. */
export async function endAnswer(
  session: McpSession | undefined,
  ask: () => Promise<{ readonly answer: Response }>,
  forget: (session: McpSession) => void,
): Promise<Response> {
  // It would be a DELETE of whatever is there, with the operator's credential.
  if (!session) throw new McpRefusal('invalid_message', 'DELETE ends an MCP session: name one in Mcp-Session-Id')
  const { answer } = await ask()
  const { isDoubtful, answer: told } = await judged(answer, undefined)
  if (!told.ok && !isDoubtful) return new Response(await shortBody(told), { status: told.status, headers: responseHeaders(told) })
  forget(session)
  await told.body?.cancel().catch(() => undefined)
  return new Response(null, { status: told.ok ? told.status : 200 })
}

/** What the server says about its refusal. The status is the answer: a body that breaks, or does not come to its end, is left out. */
async function shortBody({ body }: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  return await readBounded(body, SHORT).catch(() => null)
}
