// A request in a person's own name: sent once more where the downstream did not take their token and there is a newer one.
import { bearerChallenge, scopesOf } from '../../platform/www-authenticate.ts'
import type { Refused, Vouched } from '../../session/contract/admission.ts'
import type { Challenge } from '../../session/contract/challenge.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import { identityHeaders } from './identity-headers.ts'

/** What to send instead; undefined: the answer stands. Throws the refusal that the client gets. */
export type Challenged = (answer: Response, again: boolean) => Promise<Readonly<Record<string, string>> | undefined>

/** The person's object, asked from outside or from within. */
export type AskChallenge = (challenge: Challenge) => Promise<Vouched | Refused | undefined>

/** Undefined for every other mode: there nobody but the operator could do anything about it. */
export function challengedFor(
  { auth, resource }: Pick<Downstream, 'auth' | 'resource'>,
  { grantId, authorization }: { readonly grantId: string; readonly authorization: string | null | undefined },
  ask: AskChallenge,
  refuse: (refused: Refused) => Error,
): Challenged | undefined {
  if (auth !== 'oauth') return undefined
  let used = authorization ?? ''
  return async ({ status, headers }, again) => {
    const scopes = scopesOf(bearerChallenge(headers.get('www-authenticate')))
    const told = await ask({ grantId, resource, status: status === 403 ? 403 : 401, scopes, used, again })
    if (told === undefined) return undefined
    if ('reason' in told) throw refuse(told)
    used = told.authorization ?? ''
    return identityHeaders(told)
  }
}

/** Nothing has been passed on by the time the status is known, so the whole request can be sent again. */
export function sentUntilTaken(
  send: (instead?: Readonly<Record<string, string>>) => Promise<Response>,
  challenged: Challenged | undefined,
): Promise<Response> {
  return challenged ? sentAgain(send, challenged) : send()
}

async function sentAgain(
  send: (instead?: Readonly<Record<string, string>>) => Promise<Response>,
  challenged: Challenged,
): Promise<Response> {
  const first = await send()
  if (!isChallenge(first)) return first
  const instead = await challenged(first, false).catch(async (refusal: unknown) => {
    await first.body?.cancel()
    throw refusal
  })
  if (!instead) return first
  await first.body?.cancel()
  const second = await send(instead)
  if (isChallenge(second)) await challenged(second, true)
  return second
}

function isChallenge({ status, headers }: Response): boolean {
  if (status !== 403) return status === 401
  return bearerChallenge(headers.get('www-authenticate'))?.get('error') === 'insufficient_scope'
}
