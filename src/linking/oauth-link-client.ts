// Renews and gives back the tokens of a link, at the authorization server they came from and nowhere else.
import * as oauth from 'oauth4webapi'
import { log } from '../platform/telemetry.ts'
import type { Link, LinkClient, LinkOutcome } from '../session/contract/link-client.ts'
import { asLinkError, authenticationOf, httpFor, readTokens } from './token-endpoint.ts'

/** Codes that say "this person has to connect again"; anything else refused is a fault between broker and server. */
const ENDED: ReadonlySet<string | undefined> = new Set([
  'invalid_grant',
  'invalid_client',
  'unauthorized_client',
  'invalid_scope',
])

export class OAuthLinkClient implements LinkClient {
  readonly #now: () => number

  /** `now` in Unix seconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  async refresh(link: Link, keep: (fresh: Link) => Promise<void>): Promise<LinkOutcome> {
    const { issuer, tokenEndpoint, client, refreshToken, resource } = link
    if (refreshToken === undefined) return { outcome: 'ended', why: 'there is no refresh token' }
    try {
      const answer = await oauth.refreshTokenGrantRequest(
        { issuer, token_endpoint: tokenEndpoint },
        { client_id: client.id },
        authenticationOf(client),
        refreshToken,
        { ...httpFor(tokenEndpoint), additionalParameters: { resource } },
      )
      const { scopes, expiresAt, ...tokens } = await readTokens(answer, this.#now())
      const { expiresAt: _, ...lasting } = link
      await keep({
        ...lasting,
        ...tokens,
        ...(expiresAt !== undefined && { expiresAt }),
        scopes: [...new Set([...link.scopes, ...scopes])],
      })
      return { outcome: 'refreshed' }
    } catch (thrown) {
      const { reason, code, detail } = asLinkError(thrown)
      const why = `${reason}: ${detail}`
      log('warn', 'link.not_refreshed', { server: new URL(tokenEndpoint).host, reason, code, detail })
      return { outcome: reason === 'refused' && ENDED.has(code) ? 'ended' : 'unavailable', why }
    }
  }

  /** The refresh token first: many servers end with it whatever came of it. */
  async revoke({ issuer, revocationEndpoint, client, accessToken, refreshToken }: Link): Promise<void> {
    if (revocationEndpoint === undefined) return
    const server = { issuer, revocation_endpoint: revocationEndpoint }
    for (const token of [refreshToken, accessToken]) {
      if (token === undefined) continue
      try {
        const http = httpFor(revocationEndpoint)
        await oauth.revocationRequest(server, { client_id: client.id }, authenticationOf(client), token, http)
      } catch (thrown) {
        log('info', 'link.not_revoked', { server: new URL(revocationEndpoint).host, reason: asLinkError(thrown).detail })
      }
    }
  }
}
