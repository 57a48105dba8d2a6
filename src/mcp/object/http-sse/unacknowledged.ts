// POSTs whose acknowledgement has not come: a server may break that off, and answer over its stream all the same.
import { McpRefusal } from '../../message/refusal.ts'
import { OpenRequests } from '../../message/open-requests.ts'

/** How long an answer may take that is on its way while the acknowledgement breaks off. */
const WITHIN_MS = 1_000

interface WaitingPost {
  readonly open: OpenRequests
  readonly answered: PromiseWithResolvers<boolean>
}

export class Unacknowledged {
  readonly #waiting = new Set<WaitingPost>()

  /** One message of the server's. */
  heard(data: string): void {
    for (const { open, answered } of this.#waiting) {
      open.settle(data)
      if (open.areAnswered) answered.resolve(true)
    }
  }

  /** The acknowledgement; one of our own where it broke off and every request is answered. */
  async of(requestIds: readonly string[], post: () => Promise<Response>): Promise<Response> {
    if (requestIds.length === 0) return await post()
    const waiting = { open: new OpenRequests(requestIds), answered: Promise.withResolvers<boolean>() }
    this.#waiting.add(waiting)
    try {
      return await post()
    } catch (error) {
      const isBroken = error instanceof McpRefusal && error.code === 'downstream_unreachable'
      if (isBroken && (await inTime(waiting.answered))) return new Response(null, { status: 202 })
      throw error
    } finally {
      this.#waiting.delete(waiting)
    }
  }

  /** The stream is over: nothing is answered any more. */
  lost(): void {
    for (const { answered } of this.#waiting) answered.resolve(false)
  }
}

async function inTime({ promise, resolve }: PromiseWithResolvers<boolean>): Promise<boolean> {
  const timer = setTimeout(() => resolve(false), WITHIN_MS)
  return await promise.finally(() => clearTimeout(timer))
}
