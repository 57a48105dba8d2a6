// How often an authorization response is taken: each one has the broker ask a token endpoint, with a code that anybody can invent.
//
// The cookie of a sign-in that was begun is good for as long as it waits: who keeps a copy could send it again and again, and who begins
// many sign-ins could come back from each. The provider would take all of that for the broker's.
import type { Context } from 'hono'
import { OAuthError } from '../clients/oauth-error.ts'
import type { KeyRing } from '../issuer/keys.ts'
import { Attempts } from '../oauth/rate-limit.ts'
import { sourceOf } from './client-network.ts'

/** A minute. A browser may ask twice for one page; an office that comes to work has one address. */
const OF_ONE = 3
const OF_ONE_ADDRESS = 120

/** One per isolate and kind of sign-in. */
export class AuthorizationResponses {
  readonly #ofOne: Attempts
  readonly #ofAddress: Attempts

  /** `now` in unix seconds. */
  constructor(now: () => number) {
    this.#ofOne = new Attempts(OF_ONE, Number.POSITIVE_INFINITY, now)
    this.#ofAddress = new Attempts(OF_ONE_ADDRESS, Number.POSITIVE_INFINITY, now)
  }

  /** Call it when the state has proved to be of this browser: what strangers invent is not counted, and costs nothing. */
  async assertMayBeTaken(c: Context, keys: KeyRing, state: string): Promise<void> {
    // Where nobody says who asks, all would share one count, and one of them could use it up.
    const source = c.req.header('CF-Connecting-IP') === undefined ? undefined : await sourceOf(c, keys)
    const retryAfter = this.#ofOne.waitFor(state) || (source === undefined ? 0 : this.#ofAddress.waitFor(source))
    if (retryAfter > 0)
      throw new OAuthError('too_many_requests', `Too many sign-ins come back from here: try again in ${retryAfter} seconds`, {
        retryAfter,
      })
  }
}
