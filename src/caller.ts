// Who is speaking: what a verified access token says, the one value every layer passes along.
import * as z from 'zod'
import { sha256 } from './platform/crypto.ts'

/** Read where it comes from the router to the person's object in a header. */
export const callerSchema = z
  .object({
    /** Name of the person's `UserSession`, see `personName`. */
    sub: z.string(),
    clientId: z.string(),
    /** The client signs what it asks of the authorization server; on MCP requests that is of no account. */
    clientSigns: z.boolean().exactOptional(),
    grantId: z.string(),
    /** Refresh generation the token was issued in. */
    generation: z.number(),
    /** Canonical URL of the brokered downstream the token is for (RFC 8707). */
    resource: z.string(),
    scopes: z.array(z.string()).readonly(),
    /** Unix seconds. */
    expiresAt: z.number(),
  })
  .readonly()

export type Caller = z.output<typeof callerSchema>

/** What the identity provider said about a person; never used as a key except `issuer` and `subject`. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly groups: readonly string[]
}

/**
 * Name of a person's object: base64url(SHA-256(issuer, NUL, subject)). Never made of the e-mail address, which can be changed to somebody
 * else's; whoever signs in by another way with the same issuer and subject is the same person.
 */
export function personName({ issuer, subject }: Pick<Identity, 'issuer' | 'subject'>): Promise<string> {
  return sha256(`${issuer}\0${subject}`)
}

/** Tokens the identity provider issued to the broker for one person. They never leave `UserSession` except sealed. */
export interface IdpTokens {
  readonly accessToken: string
  /** Unix seconds; absent when the provider does not say. */
  readonly expiresAt?: number | undefined
  readonly refreshToken?: string | undefined
  readonly idToken?: string | undefined
}
