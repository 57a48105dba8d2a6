// Key sets that clients publish: fetched through the door for strangers' addresses, when a signature needs one and not before.
import { OAuthError } from '../../clients/oauth-error.ts'
import type { AddressPolicy } from '../../clients/public-address.ts'
import { publicDocument } from './public-document.ts'
import { publicKeySet } from '../../clients/client-keys.ts'
import type { JSONWebKeySet } from 'jose'
import { BoundedMap } from '../../platform/bounded-map.ts'

const LARGEST_SET = 32 * 1024
/** An unknown key is looked for again after this many seconds, whatever the signatures say: one fetch a minute for each address. */
const LOOK_AGAIN = 60
const MOST_REMEMBERED = 100

interface Known {
  readonly keys: JSONWebKeySet
  readonly fetchedAt: number
  readonly freshUntil: number
}

/** One per isolate. Results are remembered, never promises, and failures not at all. */
export class KeySets {
  readonly #policy: AddressPolicy
  readonly #now: () => number
  readonly #known = new BoundedMap<string, Known>(MOST_REMEMBERED)

  /** `now` in unix seconds. */
  constructor(policy: AddressPolicy, now: () => number) {
    this.#policy = policy
    this.#now = now
  }

  /** `again` when what is remembered did not have the key. Undefined when asking again is too early. */
  async at(address: string, again = false): Promise<JSONWebKeySet | undefined> {
    const now = this.#now()
    const known = this.#known.get(address)
    if (known && !again && known.freshUntil > now) return known.keys
    if (known && again && known.fetchedAt + LOOK_AGAIN > now) return undefined
    const fetched = await publicDocument(address, LARGEST_SET, this.#policy)
    if ('fault' in fetched) {
      const detail = { reason: `the key set ${fetched.fault}: ${fetched.detail}`, retryAfter: 30 }
      // Nothing is known about the signature, and a client that hears invalid_client forgets who it is.
      if (fetched.isOutage) throw new OAuthError('temporarily_unavailable', 'The keys of the client can not be fetched', detail)
      throw new OAuthError('invalid_client', 'Client authentication failed: there is no key set at its jwks_uri', detail)
    }
    const keys = publicKeySet.safeParse(fetched.document)
    if (!keys.success)
      throw new OAuthError('invalid_client', 'Client authentication failed: its key set holds more than public keys')
    this.#known.set(address, { keys: keys.data, fetchedAt: now, freshUntil: now + fetched.freshFor })
    return keys.data
  }
}
