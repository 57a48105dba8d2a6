// What finding a client takes, of what the router has.
import type { FinderServices } from '../oauth/client-auth/client-finder.ts'
import { addressPolicy, type AddressPolicy } from '../clients/public-address.ts'
import type { Services } from '../services.ts'
import type { Settings } from '../settings/settings.ts'

export function finderServices({
  settings,
  keys,
  directory,
  now,
}: Pick<Services, 'settings' | 'keys' | 'directory' | 'now'>): FinderServices {
  const { clients: entered, redirectSchemes, limits } = settings
  const fetchesPerMinute = limits.registrationsPerMinute
  return { keys, entered, redirectSchemes, directory, now, policy: policyOf(settings), fetchesPerMinute }
}

export function policyOf({ baseUrl, downstreams }: Settings): AddressPolicy {
  const behind = downstreams.map(({ url }) => url)
  return addressPolicy(baseUrl, behind)
}
