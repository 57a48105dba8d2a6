// Cloudflare Access in front of the broker itself (a self-hosted application over its sign-in pages): whoever reaches them has signed in there.
//
// Nobody is sent away: the way to the identity provider leads to our own callback, Access stops there whoever it does not know yet, and its
// signed assertion comes with the request. The login cookie binds it to the browser that began, as a code would be.
import * as z from 'zod'
import type { Identity, IdpTokens } from '../caller.ts'
import { sameText } from '../platform/crypto.ts'
import { log } from '../platform/telemetry.ts'
import type { PersonAtProvider, RefreshOutcome } from '../session/contract/token-refresher.ts'
import type { IdentityProviderSettings } from '../settings/providers.ts'
import { AccessAssertions, type Asserted } from './access-assertion.ts'
import { askIdentityProvider, asIdentityError, assertProviderAtWork, answeredJson } from './ask.ts'
import { identityFrom } from './claims.ts'
import { IdentityError, type IdentityProvider, type LoggedOut, type Login, type SignedIn } from './provider.ts'

// Groups come as texts or as objects, by the provider behind Access.
const group = z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)])
const knownSchema = z.object({
  email: z.string().optional(),
  name: z.string().optional().catch(undefined),
  groups: z.array(group).optional().catch(undefined),
})
type AccessIdentity = z.output<typeof knownSchema>

export class AccessApplication implements IdentityProvider {
  readonly key: string
  readonly name: string
  readonly host: string
  readonly callback: string
  readonly #issuer: string
  readonly #assertions: AccessAssertions

  constructor({ name, title, url, clientId: audience, callback }: IdentityProviderSettings) {
    const { host, origin } = new URL(url)
    this.key = name
    this.name = title ?? 'Cloudflare Access'
    this.host = host
    this.callback = callback
    this.#issuer = origin
    this.#assertions = new AccessAssertions({ issuer: origin, audience }, () => Math.floor(Date.now() / 1000))
  }

  issues(issuer: string): boolean {
    return issuer === this.#issuer
  }

  ownIssuer(): Promise<string> {
    return Promise.resolve(this.#issuer)
  }

  async authorizationUrl({ redirectUri, state }: Login): Promise<URL> {
    return new URL(`?${new URLSearchParams({ state }).toString()}`, redirectUri)
  }

  async signIn(callback: URL, login: Login, assertion?: string): Promise<SignedIn> {
    try {
      if (!sameText(callback.searchParams.get('state') ?? '', login.state))
        throw new IdentityError('invalid', 'the answer is for another login')
      if (assertion === undefined)
        throw new IdentityError(
          'invalid',
          `Cloudflare Access does not guard ${callback.pathname}: no assertion came with the request`,
        )
      const person = await this.#verified(assertion)
      const known = await this.#known(assertion)
      // What can be shown to Access again is kept as an access token is; an ID token beside it says that there is nothing to ask.
      const tokens = { accessToken: assertion, ...(!known && { idToken: assertion }) }
      return { identity: this.#identity(person, known), tokens }
    } catch (error) {
      throw this.#logged('sign in', error)
    }
  }

  /** The session at Access is the person's permission to be here: when it is over, so is what was begun with it. */
  async refresh({ accessToken: assertion, idToken }: IdpTokens, person: PersonAtProvider): Promise<RefreshOutcome> {
    try {
      if (!this.issues(person.issuer)) return { outcome: 'ended', why: `the person signed in with ${person.issuer}` }
      const asserted = await this.#verified(assertion)
      if (asserted.sub !== person.subject) return { outcome: 'ended', why: 'the assertion is about another person' }
      if (idToken !== undefined) return { outcome: 'unsupported' }
      const known = await this.#known(assertion)
      if (!known) return { outcome: 'ended', why: 'Cloudflare Access does not know the session any more' }
      return { outcome: 'refreshed', identity: this.#identity(asserted, known) }
    } catch (error) {
      const { reason, detail } = this.#logged('refresh', error)
      return { outcome: reason === 'denied' ? 'ended' : 'unavailable', why: `${reason}: ${detail}` }
    }
  }

  loggedOut(): Promise<LoggedOut> {
    return Promise.reject(new IdentityError('invalid', 'Cloudflare Access does not sign people out this way'))
  }

  async #verified(assertion: string): Promise<Asserted> {
    const person = await this.#assertions.person(assertion)
    if (!person?.sub) throw new IdentityError('denied', 'this is no assertion of Cloudflare Access for a person, or not any more')
    return person
  }

  #identity({ sub, email }: Asserted, known: AccessIdentity | undefined): Identity {
    // Access vouches for the address: its policies decide by it.
    return identityFrom(this.#issuer, { sub, email, email_verified: true, name: known?.name, groups: known?.groups ?? [] })
  }

  /** What Access knows besides: name and groups, as long as the session lives. Undefined when it knows no such session. */
  async #known(assertion: string): Promise<AccessIdentity | undefined> {
    const response = await askIdentityProvider(`${this.#issuer}/cdn-cgi/access/get-identity`, {
      method: 'GET',
      headers: { accept: 'application/json', cookie: `CF_Authorization=${assertion}` },
    })
    await assertProviderAtWork(response, 'Cloudflare Access')
    const known = response.ok ? knownSchema.safeParse(await answeredJson(response, 'Cloudflare Access')).data : undefined
    if (!known) log('info', 'identity.userinfo_refused', { provider: this.host, status: response.status })
    return known
  }

  #logged(step: string, thrown: unknown): IdentityError {
    const error = asIdentityError(thrown)
    const { reason, detail } = error
    log(reason === 'denied' ? 'info' : 'warn', 'identity.failed', { step, provider: this.host, reason, detail })
    return error
  }
}
