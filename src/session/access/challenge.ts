// What follows from a downstream that does not take the person's token: a newer one, the way to sign in there again, or its own answer.
import type { Refused, Vouched } from '../contract/admission.ts'
import type { Challenge } from '../contract/challenge.ts'
import { vouchFor } from './admit.ts'
import type { ProviderQuestion } from './ask-provider.ts'
import { endLink, REFUSED_UNLINKED } from './own-sign-in.ts'
import { endGrant } from '../revocation.ts'
import { downstreamFor } from '../../settings/downstreams.ts'

/** Undefined: the answer stands, because nothing the broker could do would change it. */
export async function answerChallenge(context: ProviderQuestion, asked: Challenge): Promise<Vouched | Refused | undefined> {
  const { grantId, resource, status, scopes, used, again } = asked
  const { grants, links, settings, now } = context
  const downstream = downstreamFor(settings, resource)
  const grant = grants.live(grantId, now())
  const link = links.find(resource)
  if (!downstream || !grant || !link) return REFUSED_UNLINKED
  const isNewest = used === `Bearer ${link.accessToken}`
  if (status === 403) {
    const missing = scopes.filter((scope) => !link.scopes.includes(scope))
    // Asked for before and not given: asking again would go on for ever.
    if (missing.length === 0 || !isNewest) return undefined
    links.miss(resource, missing)
    await endGrant(context, grant, 'not_linked')
    return REFUSED_UNLINKED
  }
  if (!isNewest) return again ? REFUSED_UNLINKED : await vouchFor(context, grant, downstream)
  const { outcome } = again || link.refreshToken === undefined ? OVER : await links.refresh(resource)
  if (outcome === 'superseded' && !links.find(resource)) return REFUSED_UNLINKED
  if (outcome === 'refreshed' || outcome === 'superseded') return await vouchFor(context, grant, downstream)
  if (outcome === 'unavailable') return { admitted: false, reason: 'auth_unavailable' }
  await endLink(context, resource, 'the server did not take its token')
  return REFUSED_UNLINKED
}

const OVER = { outcome: 'ended' } as const
