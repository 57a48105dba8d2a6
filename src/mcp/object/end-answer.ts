// The downstream's answer to a client that ends its session.
import { responseHeaders } from '../downstream/passing-headers.ts'
import { judged } from '../downstream/session-doubt.ts'

/** A downstream that lost the session has ended it; 405 means that it lets no client end one. `forget` is absent without a session. */
export async function endAnswer(answer: Response, forget: (() => void) | undefined): Promise<Response> {
  const { isDoubtful, answer: told } = await judged(answer, undefined)
  if (!forget || (!told.ok && !isDoubtful))
    return new Response(told.body, { status: told.status, headers: responseHeaders(told) })
  forget()
  await told.body?.cancel()
  return new Response(null, { status: told.ok ? told.status : 200 })
}
