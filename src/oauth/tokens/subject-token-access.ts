// What an issuer has said about a person becomes an access token: the step that token exchange, assertions and /.sts share.
import type { Exchange, ExchangeOutcome, ExchangeRefusal } from '../../session/access/exchange.ts'
import type { StatementReaders, Verdict, VerifiedStatement } from '../../session/contract/subject-token.ts'
import type { Downstream } from '../../settings/downstreams.ts'
import { personName } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import type { SignedTokens, Lifetimes } from './signed-tokens.ts'
import { OAuthError, type OAuthErrorCode } from '../../clients/oauth-error.ts'

export interface StatedServices {
  readonly statements: StatementReaders
  readonly signedTokens: SignedTokens
  readonly lifetimes: Lifetimes
  /** Seconds; nothing that was exchanged lives longer. */
  readonly longestSession: number
  readonly downstreams: readonly Downstream[]
  readonly session: (sub: string) => { exchange(asked: Exchange): Promise<ExchangeOutcome> }
  /** Unix seconds. */
  readonly now: () => number
}

export interface Use {
  readonly client: { readonly id: string; readonly name: string; readonly signs?: boolean }
  readonly downstream: Downstream
  readonly scopes: readonly string[]
  /** Seconds. */
  readonly lifetime: number
  readonly once?: string
  /** What the program calls its session, for our log. */
  readonly sessionName?: string
}

export type StatedAccess =
  | { readonly granted: true; readonly token: string; readonly expiresAt: number }
  | { readonly granted: false; readonly refusal: ExchangeRefusal }

export async function accessFor(statement: VerifiedStatement, use: Use, services: StatedServices): Promise<StatedAccess> {
  const { client, downstream, scopes, once } = use
  const { resource } = downstream
  const sub = await personName(statement.identity)
  const outcome = await services.session(sub).exchange({
    statement: {
      identity: statement.identity,
      saysGroups: statement.saysGroups,
      ...(statement.losesEmail && { losesEmail: true }),
      issuedAt: statement.issuedAt,
      expiresAt: statement.expiresAt,
    },
    grant: { clientId: client.id, clientName: client.name, resource, scopes },
    lifetime: use.lifetime,
    ...(once !== undefined && { once }),
  })
  if (!outcome.granted) return outcome
  const { facts } = outcome
  const { grantId: grant, clientId } = facts
  log('info', 'token.exchanged', { client: clientId, person: sub, grant, resource, session: use.sessionName })
  const token = await services.signedTokens.accessToken({ ...facts, sub, clientSigns: client.signs === true }, use.lifetime)
  return { granted: true, token, expiresAt: facts.endsAt }
}

/**
 * How long a token may live for which so many seconds are asked. An ID token says how long it may be shown, and nothing about a session
 * that begins with it. An access token says how long its bearer may act: what comes of it ends when it does.
 */
export function lifetimeOf({ isAccessToken, expiresAt }: VerifiedStatement, asked: number, now: number): number {
  return isAccessToken ? Math.min(asked, expiresAt - now) : asked
}

/** A server that wants the person's token of the identity provider can't have one where nobody signed in. */
export function assertNeedsNoSignIn({ auth, resource }: Downstream): void {
  if (auth === 'idp-token')
    throw new OAuthError('invalid_target', `${resource} needs a person to sign in: tokens are not exchanged for it`)
}

export function assertVerified(verdict: Verdict, otherwise: OAuthErrorCode, what: string): VerifiedStatement {
  if (verdict.verified) return verdict.statement
  const { refusal, why: reason } = verdict
  if (refusal === 'unknown')
    throw new OAuthError('temporarily_unavailable', `the keys of the issuer of ${what} can not be fetched`, {
      reason,
      retryAfter: 30,
    })
  const fault = refusal === 'expired' ? 'has expired' : 'is not valid here'
  throw new OAuthError(otherwise, `${what} ${fault}`, { reason })
}

export const REFUSED: Readonly<Record<ExchangeRefusal, string>> = {
  blocked: 'an administrator has blocked this person',
  client_blocked: 'an administrator has blocked this application',
  not_allowed: 'this person may not use this server',
  revoked: 'access was taken back after this token was issued, or in the minute before: get a new one',
  reused: 'the assertion was used before',
  crowded: 'too many assertions about this person are being used at the moment',
}

export function refusedError(refusal: ExchangeRefusal, otherwise: OAuthErrorCode): OAuthError {
  if (refusal === 'crowded')
    return new OAuthError('temporarily_unavailable', REFUSED[refusal], { reason: refusal, retryAfter: 60 })
  return new OAuthError(otherwise, REFUSED[refusal], { reason: refusal })
}
