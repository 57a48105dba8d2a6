// When a router may go on without asking, for how long, and what becomes of what it did meanwhile.
import { LONGEST_LEASE_MS } from '../contract/lease.ts'
import { type Downstream, downstreamFor } from '../../settings/downstreams.ts'
import type { LeaseOptions } from '../streams/leases.ts'
import { admit, IDP_TOKEN_MARGIN, type AdmissionContext } from './admit.ts'
import { isAllowed } from './allowed.ts'
import { LINK_MARGIN } from './own-sign-in.ts'

/** What is left of an identity JWT when the last request goes out with it, in seconds: the downstream's clock may be another. */
const JWT_MARGIN = 5
/** Shorter is not worth an upgrade. */
const SHORTEST_MS = 2_000

export function leaseRules(started: () => AdmissionContext | undefined): LeaseOptions {
  return {
    now: Date.now,
    async admit({ caller, label }) {
      const context = started()
      if (!context) throw new Error('the session was used before it started')
      return await admit(context, caller, label ?? '', label === undefined ? 0 : 1)
    },
    terms({ caller }) {
      const context = started()
      if (!context) return undefined
      const now = context.now()
      const grant = context.grants.live(caller.grantId, now)
      const downstream = downstreamFor(context.settings, caller.resource)
      if (!grant || !downstream || context.profile.isBlocked || !isAllowed(context, grant)) return undefined
      // Who may soon have to be refused asks each time.
      if (context.checks.isFailing) return undefined
      const ends = Math.min(grant.endsAt, caller.expiresAt, credentialEnds(context, downstream, now))
      // Moments are known to the second: the last one may be over already.
      const lasts = Math.min(LONGEST_LEASE_MS, (ends - now - 1) * 1000)
      if (lasts < SHORTEST_MS) return undefined
      const allowance = context.bucket.lend(Date.now(), caller.resource)
      return allowance && { lasts, ...allowance }
    },
    over({ grantId, resource, requests }, report) {
      const context = started()
      if (!context) return
      const { used = requests, recent = [] } = report ?? {}
      context.bucket.settle(Date.now(), resource, requests, Math.max(0, requests - used))
      const grant = context.grants.find(grantId)
      const last = recent.at(-1)
      if (!grant || !last) return
      const { clientId, clientName } = grant
      for (const request of recent) context.recent.note({ ...request, clientId, clientName, resource })
      context.load.request(used)
      if (context.grants.live(grantId, context.now())) context.uses.note(grant, last.at)
    },
  }
}

/** Unix seconds: until when what a router was given to show is good enough to go on with. */
function credentialEnds(
  { settings, links, provider }: Pick<AdmissionContext, 'links' | 'provider' | 'settings'>,
  { auth, resource }: Downstream,
  now: number,
): number {
  if (auth === 'oauth') return (links.find(resource)?.expiresAt ?? Infinity) - LINK_MARGIN
  if (auth === 'idp-token') return (provider.tokens?.expiresAt ?? Infinity) - IDP_TOKEN_MARGIN
  // It may be half its life old by the time it is given.
  if (auth === 'identity-jwt' || auth === 'access-service-token') return now + settings.limits.identityJwtTtl / 2 - JWT_MARGIN
  return Infinity
}
