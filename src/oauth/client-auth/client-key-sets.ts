// Key sets that clients publish: fetched through the door for strangers' addresses, when a signature needs one and not before.
import { publicKeySet } from '../../clients/client-keys.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import type { AddressPolicy } from '../../clients/public-address.ts'
import { KeySets, type PublishedKeys } from '../../oauth-client/key-set.ts'
import { publicDocument } from './public-document.ts'

const LARGEST_SET = 32 * 1024

/** One per isolate; `now` in unix seconds. */
export function clientKeySets(policy: AddressPolicy, now: () => number): KeySets {
  return new KeySets((address) => keysAt(address, policy), now)
}

async function keysAt(address: string, policy: AddressPolicy): Promise<PublishedKeys> {
  const fetched = await publicDocument(address, LARGEST_SET, policy)
  if ('fault' in fetched) {
    const detail = { reason: `the key set ${fetched.fault}: ${fetched.detail}`, retryAfter: 30 }
    // Nothing is known about the signature, and a client that hears invalid_client forgets who it is.
    if (fetched.isOutage) throw new OAuthError('temporarily_unavailable', 'The keys of the client can not be fetched', detail)
    throw new OAuthError('invalid_client', 'Client authentication failed: there is no key set at its jwks_uri', detail)
  }
  const { data: keys } = publicKeySet.safeParse(fetched.document)
  if (!keys) throw new OAuthError('invalid_client', 'Client authentication failed: its key set holds more than public keys')
  return { keys, freshFor: fetched.freshFor }
}
