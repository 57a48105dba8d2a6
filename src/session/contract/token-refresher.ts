// What a UserSession needs from the identity provider; `identity/` implements it, `worker.ts` hands it in.
import type { Identity, IdpTokens } from '../../caller.ts'

export type RefreshOutcome =
  /** The provider still knows the person; `identity` is set when it said who they are now. */
  | {
      readonly outcome: 'refreshed'
      readonly identity?: Identity
      /** The address it named is not verified, and so the one before is not theirs any more. */
      readonly losesEmail?: boolean
    }
  /** The provider refused the refresh token (`invalid_grant`) or named somebody else: the person's session there is over. */
  | { readonly outcome: 'ended'; readonly why: string }
  /** No answer, 5xx, or an answer that could not be verified: nothing is known, nothing was lost. */
  | { readonly outcome: 'unavailable'; readonly why: string }
  /** The provider gave nothing to ask with, now or later, until the person signs in again. */
  | { readonly outcome: 'unsupported' }

/** `superseded`: the person has signed in anew, or everything of theirs has ended, since this was asked: it says nothing about what there is now. */
export type ConfirmationOutcome = RefreshOutcome | { readonly outcome: 'superseded' }

/**
 * A refresh token can be used; without ID tokens the access token itself can be shown to whoever said whose it is. Else there is nothing to
 * ask with.
 */
export function canBeConfirmed({ refreshToken, idToken, expiresAt = Infinity }: IdpTokens, now: number): boolean {
  return refreshToken !== undefined || (idToken === undefined && expiresAt > now)
}

/** Whose tokens they are, and their groups as they were last told; everything but who it is may change between two refreshes. */
export type PersonAtProvider = Pick<Identity, 'issuer' | 'subject' | 'groups'>

export interface TokenRefresher {
  /**
   * Refreshes once. `keep` is called with the new tokens as soon as the token endpoint has answered and before
   * anything about them is verified: a rotating provider has already consumed the old refresh token. An answer about
   * anybody but `person` ends the session.
   */
  refresh(tokens: IdpTokens, person: PersonAtProvider, keep: (fresh: IdpTokens) => Promise<void>): Promise<RefreshOutcome>
}
