// How a security event is pushed to whoever is to hear it (RFC 8935), and what its answer means.
import { outbound } from './outbound.ts'

/** `again`: it has not been taken, and may be. `refused`: it never will be. */
export type PushOutcome = 'taken' | 'again' | 'refused'

const ANSWER_WITHIN_MS = 10_000

export interface PushTarget {
  readonly url: string
  /** The `Authorization` it is shown. */
  readonly authorization?: string | undefined
}

export async function pushEvent(
  { url, authorization }: PushTarget,
  token: string,
): Promise<{ outcome: PushOutcome; why: string }> {
  try {
    const headers = {
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      ...(authorization && { authorization }),
    }
    const late = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const answer = await outbound('operator', url, { method: 'POST', headers, body: token }, { signal: late })
    await answer.body?.cancel()
    const { status } = answer
    if (answer.ok) return { outcome: 'taken', why: `answered ${status}` }
    // Of credentials and addresses somebody may set right what is wrong.
    return { outcome: status === 400 || status === 413 ? 'refused' : 'again', why: `answered ${status}` }
  } catch {
    return { outcome: 'again', why: 'did not answer' }
  }
}
