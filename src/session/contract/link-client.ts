// What a UserSession needs from the authorization servers of downstreams; `linking/` implements it, `worker.ts` hands it in.
import * as z from 'zod'

export const linkedClientSchema = z.object({
  id: z.string(),
  secret: z.string().exactOptional(),
  method: z.enum(['client_secret_basic', 'client_secret_basic_raw', 'client_secret_post', 'none']),
})
/** Who the broker is at one authorization server. */
export type LinkedClient = Readonly<z.output<typeof linkedClientSchema>>

/**
 * One person's tokens for one downstream, with everything that is needed to renew and revoke them: they are shown to no other
 * authorization server than the one they came from, whatever the downstream says later (MCP, "Authorization Server Binding").
 */
export const linkSchema = z.object({
  issuer: z.string(),
  tokenEndpoint: z.string(),
  revocationEndpoint: z.string().exactOptional(),
  client: linkedClientSchema,
  /** RFC 8707, as the downstream publishes it. */
  resource: z.string(),
  /** Asked for or granted: a challenge for any other asks for more. */
  scopes: z.array(z.string()),
  accessToken: z.string(),
  /** Unix seconds; absent where the server does not say. */
  expiresAt: z.number().exactOptional(),
  refreshToken: z.string().exactOptional(),
  /** When what it was made in began, unix seconds: what was taken back at that second or later takes it too. */
  madeAt: z.number().exactOptional(),
})
export type Link = Readonly<z.output<typeof linkSchema>>

export type LinkOutcome =
  | { readonly outcome: 'refreshed' }
  /** The authorization server refused: the person has to connect again. */
  | { readonly outcome: 'ended'; readonly why: string }
  /** No answer, or none that could be read: nothing is known, nothing was lost. */
  | { readonly outcome: 'unavailable'; readonly why: string }

/** `superseded`: it was ended or made anew meanwhile, and what came of asking says nothing about what there is now. */
export type RenewalOutcome = LinkOutcome | { readonly outcome: 'superseded' }

export interface LinkClient {
  /** Refreshes once. `keep` is called with the new tokens before anything uses them: the old ones may be worth nothing any more. */
  refresh(link: Link, keep: (fresh: Link) => Promise<void>): Promise<LinkOutcome>
  /** Gives the tokens back (RFC 7009), as well as that can be done. */
  revoke(link: Link): Promise<void>
}
