// Any OpenID Connect issuer, found by discovery; other providers are deltas over this one.
import * as oauth from 'oauth4webapi'
import type { Identity, IdpTokens } from '../caller.ts'
import { log } from '../platform/telemetry.ts'
import type { Person, RefreshOutcome } from '../session/token-refresher.ts'
import type { IdentityProviderSettings } from '../settings/providers.ts'
import { ask, asIdentityError, assertAtWork } from './ask.ts'
import { identityFrom, isIncomplete, type Claims } from './claims.ts'
import { discover, isLoopback, type Metadata } from './discovery.ts'
import { KeySet } from './jwks.ts'
import { mayBeLogoutToken, readLogoutToken } from './logout-token.ts'
import { IdentityError, type IdentityProvider, type LoggedOut, type Login, type SignedIn } from './provider.ts'
import { Remembered } from './remembered.ts'
import { readTokenAnswer, type TokenAnswer } from './token-answer.ts'

/** What one provider does differently. */
export interface Delta {
  readonly name?: string
  readonly clientAuthentication?: 'client_secret_post'
  /** Claims as this provider spells them, told in the standard's words. */
  readonly claims?: (spelled: Claims) => Claims
}

const HOUR_MS = 3_600_000
const CLOCK_TOLERANCE = 60
/** Codes that say "this person has to sign in again"; anything else refused is a fault between broker and provider. */
const ENDED: ReadonlySet<string | undefined> = new Set([
  'invalid_grant',
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
])

export class OidcProvider implements IdentityProvider {
  readonly name: string
  readonly host: string
  readonly #settings: IdentityProviderSettings
  readonly #delta: Delta
  readonly #client: oauth.Client
  readonly #http: { [oauth.customFetch]: typeof ask; [oauth.allowInsecureRequests]: boolean }
  readonly #metadata = new Remembered<Metadata>(HOUR_MS)
  readonly #keys = new KeySet()

  constructor(settings: IdentityProviderSettings, delta: Delta = {}) {
    const url = new URL(settings.url)
    this.host = url.host
    this.name = delta.name ?? url.host
    this.#settings = settings
    this.#delta = delta
    this.#client = { client_id: settings.clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE }
    this.#http = { [oauth.customFetch]: ask, [oauth.allowInsecureRequests]: isLoopback(url) }
  }

  async authorizationUrl(login: Login): Promise<URL> {
    try {
      const issuer = await this.#discovered()
      const url = new URL(issuer.authorization_endpoint)
      oauth.checkProtocol(url, !this.#http[oauth.allowInsecureRequests])
      const scopes = this.#scopes(issuer)
      const parameters: Readonly<Record<string, string>> = {
        response_type: 'code',
        client_id: this.#settings.clientId,
        redirect_uri: login.redirectUri,
        scope: scopes.join(' '),
        state: login.state,
        nonce: login.nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(login.codeVerifier),
        code_challenge_method: 'S256',
        // OpenID Connect Core section 11: without it a provider ignores the wish for a refresh token.
        ...(scopes.includes('offline_access') && { prompt: 'consent' }),
      }
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
      return url
    } catch (error) {
      throw this.#logged('authorize', error)
    }
  }

  async signIn(callback: URL, login: Login): Promise<SignedIn> {
    try {
      const issuer = await this.#discovered()
      // State and issuer (RFC 9207) come first: a code of another provider must not travel to this one's token endpoint.
      const answered = oauth.validateAuthResponse(issuer, this.#client, callback, login.state)
      const answer = await readTokenAnswer(
        await oauth.authorizationCodeGrantRequest(
          issuer,
          this.#client,
          this.#authentication(issuer),
          answered,
          login.redirectUri,
          login.codeVerifier,
          this.#http,
        ),
      )
      const identity = await this.#identityBehind(issuer, answer, login.nonce)
      if (!identity) throw new IdentityError('invalid', 'the provider did not say who signed in')
      return { identity, tokens: answer.tokens }
    } catch (error) {
      throw this.#logged('sign in', error)
    }
  }

  async refresh(tokens: IdpTokens, person: Person, keep: (fresh: IdpTokens) => Promise<void>): Promise<RefreshOutcome> {
    if (tokens.refreshToken === undefined) return { outcome: 'unsupported' }
    try {
      const issuer = await this.#discovered()
      // An operator may have moved to another provider: its token endpoint must not see the tokens of the old one.
      if (issuer.issuer !== person.issuer) return { outcome: 'ended', why: `the person signed in with ${person.issuer}` }
      const answer = await readTokenAnswer(
        await oauth.refreshTokenGrantRequest(issuer, this.#client, this.#authentication(issuer), tokens.refreshToken, this.#http),
        tokens,
      )
      await keep(answer.tokens)
      const identity = await this.#identityBehind(issuer, answer)
      if (!identity) return { outcome: 'refreshed' }
      if (identity.subject !== person.subject) return { outcome: 'ended', why: 'the provider answered about another person' }
      return { outcome: 'refreshed', identity }
    } catch (error) {
      const { reason, code, detail } = this.#logged('refresh', error)
      return { outcome: reason === 'refused' && ENDED.has(code) ? 'ended' : 'unavailable', why: `${reason}: ${detail}` }
    }
  }

  async loggedOut(token: string): Promise<LoggedOut> {
    const { clientId } = this.#settings
    if (!mayBeLogoutToken(token, clientId))
      throw new IdentityError('invalid', 'it has not the form of a logout token for this client')
    const keys = (url: string): Promise<string> => this.#keys.published(url)
    return await readLogoutToken(token, { issuer: await this.#discovered(), clientId, keys, now: new Date() })
  }

  /** A copy for every request: oauth4webapi ties what it remembers, promises among it, to this object. */
  async #discovered(): Promise<Metadata> {
    return { ...(await this.#metadata.get(() => discover(this.#settings.url))) }
  }

  #scopes({ scopes_supported: supported }: Metadata): readonly string[] {
    // Offering no refresh tokens, some providers refuse the whole request over this one scope.
    return this.#settings.scopes.filter((scope) => scope !== 'offline_access' || !supported || supported.includes(scope))
  }

  #authentication({ token_endpoint_auth_methods_supported: methods }: Metadata): oauth.ClientAuth {
    const { clientSecret } = this.#settings
    if (clientSecret === undefined) return oauth.None()
    const post = this.#delta.clientAuthentication ?? (methods && !methods.includes('client_secret_basic'))
    return post ? oauth.ClientSecretPost(clientSecret) : oauth.ClientSecretBasic(clientSecret)
  }

  /** `nonce` is what a sign-in expects; a refresh expects none. */
  async #identityBehind(issuer: Metadata, answer: TokenAnswer, nonce?: string): Promise<Identity | undefined> {
    const spell = this.#delta.claims ?? ((spelled: Claims) => spelled)
    const claims = answer.hasIdToken ? spell(await this.#verified(issuer, answer, nonce)) : undefined
    // Whoever asked for OpenID Connect must not be answered with less: the nonce lives in the ID token alone.
    const isPromised = nonce !== undefined && this.#settings.scopes.includes('openid')
    if (!claims && isPromised) throw new IdentityError('invalid', 'the answer holds no ID token')
    if (claims && !isIncomplete(claims)) return identityFrom(issuer.issuer, claims)
    const more = await this.#userInfo(issuer, answer.tokens.accessToken, claims?.['sub'])
    return claims || more ? identityFrom(issuer.issuer, { ...(more && spell(more)), ...claims }) : undefined
  }

  async #verified(issuer: Metadata, { unverified }: TokenAnswer, nonce?: string): Promise<Claims> {
    const result =
      nonce === undefined
        ? await oauth.processRefreshTokenResponse(issuer, this.#client, unverified)
        : await oauth.processAuthorizationCodeResponse(issuer, this.#client, unverified, {
            expectedNonce: nonce,
            requireIdToken: true,
          })
    const claims = oauth.getValidatedIdTokenClaims(result)
    if (!claims) throw new IdentityError('invalid', 'the answer holds no ID token')
    // OpenID Connect Core section 3.1.3.7, steps 5 and 10: the library asks the first only of several audiences, the second not at all.
    if (claims.azp !== undefined && claims.azp !== this.#client.client_id)
      throw new IdentityError('invalid', 'the ID token was issued to another client')
    if (claims.iat > Date.now() / 1000 + CLOCK_TOLERANCE)
      throw new IdentityError('invalid', 'the ID token was issued in the future')
    await this.#verifySignature(issuer, unverified)
    return claims
  }

  #verifySignature(issuer: Metadata, signed: Response): Promise<void> {
    return this.#keys.verify((keys) => oauth.validateApplicationLevelSignature(issuer, signed, { ...this.#http, ...keys }))
  }

  async #userInfo(issuer: Metadata, accessToken: string, subject: unknown): Promise<Claims | undefined> {
    if (issuer.userinfo_endpoint === undefined) return undefined
    const response = await oauth.userInfoRequest(issuer, this.#client, accessToken, this.#http)
    await assertAtWork(response, 'userinfo')
    if (!response.ok) {
      // Where access tokens are for another API, userinfo refuses them; the ID token then is all there is to know.
      log('info', 'identity.userinfo_refused', { provider: this.host, status: response.status })
      await response.body?.cancel()
      return undefined
    }
    const expected = typeof subject === 'string' ? subject : oauth.skipSubjectCheck
    const claims = await oauth.processUserInfoResponse(issuer, this.#client, expected, response)
    if (response.headers.get('content-type')?.startsWith('application/jwt')) await this.#verifySignature(issuer, response)
    return claims
  }

  #logged(step: string, thrown: unknown): IdentityError {
    const error = asIdentityError(thrown)
    const { reason, detail, code } = error
    log(reason === 'denied' ? 'info' : 'warn', 'identity.failed', { step, provider: this.host, reason, detail, code })
    return error
  }
}
