// Any OpenID Connect issuer, found by discovery; other providers are deltas over this one.
import * as oauth from 'oauth4webapi'
import type { IdpTokens } from '../caller.ts'
import { isLoopback } from '../platform/loopback.ts'
import { log } from '../platform/telemetry.ts'
import { clientSecret } from '../oauth-client/client-secret.ts'
import { KeySets } from '../oauth-client/key-set.ts'
import { isSameIssuer } from '../oauth-client/published-document.ts'
import { canBeConfirmed, type PersonAtProvider, type RefreshOutcome } from '../session/contract/token-refresher.ts'
import type { IdentityProviderSettings } from '../settings/providers.ts'
import { askIdentityProvider, askForKeys, asIdentityError } from './ask.ts'
import { claimAt } from './claim-path.ts'
import { completed, identityFrom, isIncomplete, losesEmail, suffices, type Claims } from './claims.ts'
import type { Asking, Delta } from './delta.ts'
import { discover, type Metadata } from './discovery.ts'
import { groupsIn } from './groups.ts'
import { unverifiedClaims, verifiedClaims } from './id-token.ts'
import { mayBeLogoutToken, readLogoutToken } from './logout-token.ts'
import { IdentityError, type IdentityProvider, type LoggedOut, type Login, type SignedIn } from './provider.ts'
import { Remembered } from '../platform/shared-cache.ts'
import { readTokenAnswer, withoutIdToken, type TokenAnswer } from './token-answer.ts'
import { userInfo } from './user-info.ts'
import { CLOCK_TOLERANCE } from '../platform/clock-tolerance.ts'

const HOUR_MS = 3_600_000
/** Codes that say "this person has to sign in again"; anything else refused is a fault between broker and provider. */
const ENDED: ReadonlySet<string | undefined> = new Set([
  'invalid_grant',
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  // GitHub's word for invalid_grant, and that of RFC 6750 for an access token that has been withdrawn.
  'bad_refresh_token',
  'invalid_token',
])

/** Verified claims in the standard's words, and whose they are. */
interface ClaimsOfIssuer {
  readonly issuer: string
  readonly spelled: Claims
}

/** Whether a rule of the settings names a group of this issuer. */
export type NeedsGroups = (issuer: string) => boolean

/** What a sign-in expects of an answer, and whom a refresh asks about. */
type Expected = { readonly nonce: string } | { readonly person: PersonAtProvider }

export class OidcProvider implements IdentityProvider {
  readonly key: string
  readonly name: string
  readonly host: string
  readonly callback: string
  readonly #settings: IdentityProviderSettings
  readonly #delta: Delta
  readonly #needsGroups: NeedsGroups
  readonly #client: oauth.Client
  readonly #http: { [oauth.customFetch]: typeof askIdentityProvider; [oauth.allowInsecureRequests]: boolean }
  readonly #metadata = new Remembered<Metadata>(HOUR_MS)
  readonly #keys: KeySets

  constructor(settings: IdentityProviderSettings, delta: Delta = {}, needsGroups: NeedsGroups = () => true) {
    const url = new URL(settings.url)
    this.key = settings.name
    this.host = url.host
    this.name = settings.title ?? delta.name ?? url.host
    this.callback = settings.callback
    this.#settings = settings
    this.#delta = delta
    this.#needsGroups = needsGroups
    this.#client = { client_id: settings.clientId, [oauth.clockTolerance]: CLOCK_TOLERANCE }
    this.#keys = new KeySets(
      (address) => askForKeys(address, settings.url),
      () => Date.now() / 1000,
    )
    this.#http = { [oauth.customFetch]: askIdentityProvider, [oauth.allowInsecureRequests]: isLoopback(url) }
  }

  issues(issuer: string): boolean {
    return this.#delta.issues?.(issuer) ?? isSameIssuer(issuer, this.#settings.url)
  }

  async ownIssuer(): Promise<string> {
    return (await this.#discovered()).issuer
  }

  async ownToken(scopes: readonly string[]): Promise<string> {
    try {
      const issuer = await this.#discovered()
      const asked = scopes.length === 0 ? {} : { scope: scopes.join(' ') }
      const client = [issuer, this.#client, this.#authentication(issuer)] as const
      const response = await oauth.clientCredentialsGrantRequest(...client, asked, this.#http)
      return (await readTokenAnswer(response)).tokens.accessToken
    } catch (error) {
      throw this.#logged('own token', error)
    }
  }

  signInIssuer(issuer: string): string | undefined {
    return this.#delta.signInIssuer?.(issuer)
  }

  stated(claims: Claims): Claims {
    const grouped = this.#grouped(claims)
    return this.#delta.stated?.(grouped) ?? grouped
  }

  /** Groups under the name the standard has for none of them, wherever this provider has them. */
  #grouped(claims: Claims): Claims {
    const { groupsClaim } = this.#settings
    return groupsClaim === undefined ? claims : { ...claims, groups: groupsIn(claimAt(claims, groupsClaim)) }
  }

  async authorizationUrl(login: Login): Promise<URL> {
    try {
      const issuer = await this.#discovered()
      const url = new URL(issuer.authorization_endpoint)
      oauth.checkProtocol(url, !this.#http[oauth.allowInsecureRequests])
      const scopes = this.#scopes(issuer)
      const parameters: Readonly<Record<string, string | undefined>> = {
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
        ...this.#delta.parameters,
        ...this.#settings.parameters,
      }
      for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
      return url
    } catch (error) {
      throw this.#logged('authorize', error)
    }
  }

  async signIn(callback: URL, login: Login): Promise<SignedIn> {
    try {
      const issuer = await this.#discovered()
      // State and issuer (RFC 9207) come first: a code of another provider must not travel to this one's token endpoint.
      const answered = oauth.validateAuthResponse(this.#named(issuer, callback), this.#client, callback, login.state)
      const { redirectUri, codeVerifier, nonce } = login
      const client = [issuer, this.#client, this.#authentication(issuer)] as const
      const response = await oauth.authorizationCodeGrantRequest(...client, answered, redirectUri, codeVerifier, this.#http)
      const answer = this.#readable(issuer, await readTokenAnswer(response))
      const claims = await this.#claimsBehind(issuer, answer, { nonce })
      if (!claims) throw new IdentityError('invalid', 'the provider did not say who signed in')
      return { identity: identityFrom(claims.issuer, claims.spelled), tokens: answer.tokens }
    } catch (error) {
      throw this.#logged('sign in', error)
    }
  }

  async refresh(tokens: IdpTokens, person: PersonAtProvider, keep: (fresh: IdpTokens) => Promise<void>): Promise<RefreshOutcome> {
    if (!canBeConfirmed(tokens, Date.now() / 1000)) return { outcome: 'unsupported' }
    // An operator may have moved to another provider, which must not see the tokens of the old one.
    if (!this.issues(person.issuer)) return { outcome: 'ended', why: `the person signed in with ${person.issuer}` }
    try {
      const issuer = await this.#discovered()
      const answer = await this.#asked(issuer, tokens)
      if (tokens.refreshToken !== undefined) await keep(answer.tokens)
      const claims = await this.#claimsBehind(issuer, answer, { person })
      if (!claims) return { outcome: tokens.refreshToken === undefined ? 'unsupported' : 'refreshed' }
      const identity = identityFrom(claims.issuer, claims.spelled)
      if (identity.issuer !== person.issuer || identity.subject !== person.subject)
        return { outcome: 'ended', why: 'the provider answered about another person' }
      return { outcome: 'refreshed', identity, ...(losesEmail(claims.spelled, identity) && { losesEmail: true }) }
    } catch (error) {
      const { reason, code, detail } = this.#logged('refresh', error)
      const isOver = reason === 'denied' || (reason === 'refused' && ENDED.has(code))
      return { outcome: isOver ? 'ended' : 'unavailable', why: `${reason}: ${detail}` }
    }
  }

  /** Without a refresh token the tokens stay as they are, and whoever said who the person is, is asked that again. */
  async #asked(issuer: Metadata, tokens: IdpTokens): Promise<TokenAnswer> {
    if (tokens.refreshToken === undefined) return { tokens, unverified: new Response(), idToken: undefined }
    const client = [issuer, this.#client, this.#authentication(issuer)] as const
    const response = await oauth.refreshTokenGrantRequest(...client, tokens.refreshToken, this.#http)
    return this.#readable(issuer, await readTokenAnswer(response, tokens))
  }

  /** Where the published issuer is a pattern, an answer names what the pattern stands for. */
  #named(issuer: Metadata, callback: URL): Metadata {
    const named = callback.searchParams.get('iss')
    return named !== null && this.#delta.issues?.(named) ? { ...issuer, issuer: named } : issuer
  }

  #readable({ jwks_uri }: Metadata, answer: TokenAnswer): TokenAnswer {
    return jwks_uri === undefined && !this.#settings.scopes.includes('openid') ? withoutIdToken(answer) : answer
  }

  async loggedOut(token: string): Promise<LoggedOut> {
    const { clientId } = this.#settings
    if (!mayBeLogoutToken(token, clientId))
      throw new IdentityError('invalid', 'it has not the form of a logout token for this client')
    return await readLogoutToken(token, { issuer: await this.#discovered(), clientId, keys: this.#keys, now: new Date() })
  }

  /** A copy for every request: oauth4webapi ties what it remembers, promises among it, to this object. */
  async #discovered(): Promise<Metadata> {
    const { url, scopes } = this.#settings
    return { ...(this.#delta.metadata ?? (await this.#metadata.get(() => discover(url, scopes, this.#delta.publishes)))) }
  }

  #scopes({ scopes_supported: supported }: Metadata): readonly string[] {
    // Offering no refresh tokens, some providers refuse the whole request over this one scope.
    return this.#settings.scopes.filter((scope) => scope !== 'offline_access' || !supported || supported.includes(scope))
  }

  #authentication({ token_endpoint_auth_methods_supported: methods }: Metadata): oauth.ClientAuth {
    const { clientSecret: secret, clientAuth } = this.#settings
    if (secret === undefined) return oauth.None()
    // RFC 8414 section 2: where nothing is said, Basic.
    const published = methods && !methods.includes('client_secret_basic') ? 'client_secret_post' : 'client_secret_basic'
    return clientSecret(secret, clientAuth ?? this.#delta.clientAuthentication ?? published)
  }

  async #claimsBehind(published: Metadata, answer: TokenAnswer, expected: Expected): Promise<ClaimsOfIssuer | undefined> {
    const { metadataFor = same, claims: spell = same, owner } = this.#delta
    const { idToken, tokens } = answer
    const issuer = metadataFor(published, idToken === undefined ? undefined : unverifiedClaims(idToken))
    const asking: Asking = { metadata: issuer, accessToken: tokens.accessToken }
    if (owner) return { issuer: issuer.issuer, spelled: await owner(asking) }
    const nonce = 'nonce' in expected ? expected.nonce : undefined
    const verification = { issuer, client: this.#client, keys: this.#keys, nonce }
    const verified = idToken === undefined ? undefined : this.#grouped(await verifiedClaims(answer, verification))
    // Whoever asked for OpenID Connect must not be answered with less: the nonce lives in the ID token alone.
    const isPromised = nonce !== undefined && this.#settings.scopes.includes('openid')
    if (!verified && isPromised) throw new IdentityError('invalid', 'the answer holds no ID token')
    const claims = verified && (await spell(verified, asking))
    if (claims && !isIncomplete(claims)) return { issuer: issuer.issuer, spelled: claims }
    const said = this.#delta.hasNoUserInfo
      ? undefined
      : await this.#userInfo(asking, verified?.['sub'], tokens.idToken === undefined).catch((error: unknown) =>
          this.#withoutUserInfo(error, issuer.issuer, claims, expected),
        )
    const more = said && this.#grouped(said)
    const known = more ? await spell(verified ? completed(verified, more) : more, asking) : claims
    return known && { issuer: issuer.issuer, spelled: known }
  }

  #userInfo(asking: Asking, subject: unknown, isOnlySource: boolean): Promise<Claims | undefined> {
    return userInfo(asking, { client: this.#client, http: this.#http, keys: this.#keys, host: this.host, subject, isOnlySource })
  }

  /**
   * A provider whose userinfo gives no answer stops nobody about whom the ID token says all that decides something. Groups that are known
   * stay so until they are told anew: a moment without an answer takes none away.
   */
  #withoutUserInfo(thrown: unknown, issuer: string, claims: Claims | undefined, expected: Expected): undefined {
    const error = asIdentityError(thrown)
    const hasGroups = 'person' in expected && expected.person.groups.length > 0
    if (error.reason !== 'unreachable' || !claims || !suffices(claims, hasGroups || this.#needsGroups(issuer))) throw error
    log('warn', 'identity.groups_unknown', { provider: this.host, detail: error.detail })
  }

  #logged(step: string, thrown: unknown): IdentityError {
    const error = asIdentityError(thrown)
    const { reason, detail, code } = error
    log(reason === 'denied' ? 'info' : 'warn', 'identity.failed', { step, provider: this.host, reason, detail, code })
    return error
  }
}

function same<Value>(value: Value): Value {
  return value
}
