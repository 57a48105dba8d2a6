// Who may say something about the access of a provider's people, and what is wrong with a signal that is not believed.
import type { JWTVerifyOptions, JWTVerifyResult } from 'jose'
import { KeysAway } from '../oauth-client/key-set.ts'
import { describeError } from '../platform/telemetry.ts'
import type { SignalSettings } from '../settings/signals.ts'

/** Somebody whose signature counts, found by discovery. */
export interface Signer {
  /** Whether a token says that it is from there, which costs nothing; nothing about whether it is. */
  isNamedBy(token: string): boolean
  /** Rejects with an error of jose where the token is not what is wanted, with `KeysAway` where that can't be known, and where the issuer is another. */
  signed(token: string, options: JWTVerifyOptions): Promise<JWTVerifyResult>
}

/** An identity provider, as far as it may send signals. */
export interface SignalSource {
  readonly key: string
  /** As people call it. */
  readonly name: string
  /** Of the broker there. */
  readonly clientId: string
  readonly settings: SignalSettings
  /** Signs Global Token Revocation; where that is not wanted, whoever signs the sign-ins. */
  readonly revocation: Signer
  /** A token of the broker's own there (client_credentials), for the scopes a transmitter wants. Rejects where it gets none. */
  accessToken(scopes: readonly string[]): Promise<string>
  /** What a transmitter shows when it comes here, made of the key of the broker; the one before, too, while that is being changed. */
  readonly pushSecrets: readonly [string, ...string[]]
  /** Whether people of this issuer sign in there. */
  issues(issuer: string): boolean
  /** The issuer of its people, exactly as sign-ins name it. */
  peopleIssuer(): Promise<string>
}

/**
 * `untrue`: it is not proved that this was said, and `unknowable`, that nobody can say so at the moment. `malformed`: it was said, and makes
 * no sense. `foreign`: it is about somebody else's people.
 */
export type SignalFault = 'untrue' | 'unknowable' | 'malformed' | 'foreign'

/** `message` goes to the sender, where one is told anything; `detail` to our log. */
export class SignalRefusal extends Error {
  override readonly name = 'SignalRefusal'
  readonly fault: SignalFault
  readonly detail: string | undefined

  constructor(fault: SignalFault, message: string, detail?: string) {
    super(message)
    this.fault = fault
    this.detail = detail
  }
}

/** Whoever is not believed learns nothing: not which of it was wrong, nor whether anybody is known. */
export function untrue(detail: string): SignalRefusal {
  return new SignalRefusal('untrue', 'the token is not valid here', detail)
}

/** Keys that can not be had prove nothing: whoever has sent it comes again. */
export function unbelieved(error: unknown): SignalRefusal {
  if (!(error instanceof KeysAway)) return untrue(describeError(error))
  return new SignalRefusal('unknowable', 'the keys of the sender can not be had at the moment', describeError(error.cause))
}
