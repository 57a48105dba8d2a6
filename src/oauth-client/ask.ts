// How somebody else's OAuth endpoint is asked: one outbound call with an end, one answer of bounded size, and one reading of it.
import { readBounded } from '../platform/bounded-body.ts'
import { outbound, OutboundError, type AddressedBy } from '../platform/outbound.ts'

interface Question {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: URLSearchParams | string | null | undefined
}

/** Has the shape oauth4webapi wants for its `customFetch`. */
export type Ask = (url: string, question: Question) => Promise<Response>

export interface AskTerms {
  /** For the headers and for the body, in milliseconds. */
  readonly withinMs: number
  readonly mostBytes: number
  /** Who has named the address. */
  readonly by: (url: string) => AddressedBy
  /** What is thrown where there is no answer. */
  readonly unanswered: (cause: unknown, url: string) => Error
}

/**
 * The answer is read to its end, so that nothing is left pending: a timer that still ran would keep a person's object awake for as long.
 */
export function asking({ withinMs, mostBytes, by, unanswered }: AskTerms): Ask {
  return async (url, { method, headers, body }) => {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new DOMException('no answer in time', 'TimeoutError')), withinMs)
    try {
      const answer = await outbound(by(url), url, { method, headers, body: body ?? null }, { signal: late.signal })
      const whole = answer.body && (await readBounded(answer.body, { mostBytes, withinMs }))
      return new Response(whole, answer)
    } catch (error) {
      throw unanswered(error instanceof OutboundError ? (error.cause ?? error) : error, url)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The text of an answer. Its body is bounded: it was when it was asked for. */
export async function textIn(answer: Response): Promise<string> {
  return new TextDecoder().decode(await readBounded(answer.body, REREAD))
}

/** The JSON of an answer, undefined where it is none. */
export async function jsonBody(answer: Response): Promise<unknown> {
  try {
    const value: unknown = JSON.parse(await textIn(answer))
    return value
  } catch {
    return undefined
  }
}

/** What is in memory by now, under whatever bound it was asked for. */
const REREAD = { mostBytes: 1024 * 1024, withinMs: 10_000 } as const

/** Whoever is down or overrun has said nothing about anything. */
export function isAtWork({ status }: Pick<Response, 'status'>): boolean {
  return status < 500 && status !== 429
}
