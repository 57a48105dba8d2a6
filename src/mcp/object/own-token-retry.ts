// The object's side of token-retry.ts: the answer to a challenge is a function call instead of an RPC.
import { answerChallenge } from '../../session/access/challenge.ts'
import type { ProviderQuestion } from '../../session/access/ask-provider.ts'
import { challengedFor, type Challenged } from '../downstream/token-retry.ts'
import { refusedAdmission } from '../dispatch/object-answer.ts'
import type { DownstreamRequest, SentHeaders } from './downstream-request.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { downstreamFor } from '../../settings/downstreams.ts'

/** `headers` are those of the request, identity included. */
export function ownChallenge(
  context: ProviderQuestion,
  { grantId, resource }: { readonly grantId: string; readonly resource: string },
  headers: SentHeaders,
): Challenged | undefined {
  const downstream = downstreamFor(context.settings, resource)
  if (downstream?.auth !== 'oauth') return undefined
  return challengedFor(
    downstream,
    { grantId, authorization: headers['authorization'] },
    (challenge) => answerChallenge(context, challenge),
    (refused) => refusedAdmission(refused),
  )
}

/** How a request that was ordered gets to its downstream. */
export function wayOf(
  context: ProviderQuestion,
  { caller, target }: DispatchHeader,
  headers: SentHeaders,
  ending: AbortController,
): Pick<DownstreamRequest, 'target' | 'signal' | 'ending' | 'headersWithinMs' | 'challenged'> {
  const headersWithinMs = context.settings.limits.downstreamTimeout * 1000
  return { target, signal: ending.signal, ending, headersWithinMs, challenged: ownChallenge(context, caller, headers) }
}
