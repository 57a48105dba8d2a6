// How the client of a request to the token, revocation or introspection endpoint shows who it is, in two steps.
//
// First by arithmetic: ids, secrets, and which way it has to be. Only when the token that came with it has proved to be ours and the
// client's is a signature looked at, because that may take a key set from the network and writes a row. So a stranger with invented ids,
// addresses or signatures costs neither.
import type { ClientRecord } from '../../clients/client-record.ts'
import { verifiedAssertion, type Assertion, type Verify } from './client-assertion.ts'
import type { ClientFinder, FinderServices } from './client-finder.ts'
import {
  assertNoSecret,
  assertSecret,
  authenticateClient,
  failed,
  MUST_SIGN,
  presentedCredentials,
  signing,
  type PresentedClient,
  type PresentedCredentials,
} from './clients.ts'
import type { GrantReference } from '../tokens/signed-tokens.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { clientKeySets } from './client-key-sets.ts'
import { publicKeySet } from '../../clients/client-keys.ts'
import { verifiedWith, type KeySets } from '../../oauth-client/key-set.ts'
import { faultOfAddress, looksLikeAddress } from '../../clients/public-address.ts'

export interface AuthenticationServices extends Pick<FinderServices, 'entered' | 'keys' | 'policy' | 'now'> {
  readonly issuer: string
  readonly finder: ClientFinder
  readonly session: (sub: string) => { takeAssertion(assertion: Assertion): Promise<boolean> }
}

export class ClientAuthentication {
  readonly #services: AuthenticationServices
  readonly #keySets: KeySets

  constructor(services: AuthenticationServices) {
    this.#services = services
    this.#keySets = clientKeySets(services.policy, services.now)
  }

  /** Who the client is, as far as arithmetic can tell. A client that signs has proved nothing before `confirm`. */
  async present(authorization: string | null | undefined, form: URLSearchParams): Promise<PresentedClient> {
    const { entered, keys } = this.#services
    const presented = presentedCredentials(authorization, form)
    const { id, secret } = presented
    const known = entered.find(({ record }) => record.id === id)
    if (known?.record.authMethod === 'private_key_jwt') return signing(presented)
    if (known) {
      if (presented.assertion !== undefined) throw failed('this client has no keys to sign with')
      if (known.secret === undefined) assertNoSecret(secret)
      else assertSecret(secret, known.secret)
      return { clientId: id, kind: known.secret === undefined ? 'public' : 'confidential' }
    }
    if (looksLikeAddress(id)) return this.#described(presented)
    return await authenticateClient(keys, presented)
  }

  /**
   * The second step, with the verified token of that client: true when it has signed. What a client signed for once, it has to sign
   * for again: the next token says so.
   */
  async confirm({ clientId, assertion }: PresentedClient, { sub, clientSigns }: GrantReference): Promise<boolean> {
    if (assertion === undefined) {
      if (clientSigns) throw failed(MUST_SIGN)
      return false
    }
    const verified = await this.#verified(clientId, assertion)
    if (!(await this.#services.session(sub).takeAssertion(verified))) throw failed('the assertion was used before')
    return true
  }

  /** Whether the document says that it signs is known from the token: what it said when the person was asked. */
  #described(presented: PresentedCredentials): PresentedClient {
    if (faultOfAddress(presented.id, this.#services.policy) !== undefined)
      throw new OAuthError('invalid_client', 'Client not found: its id is no address this broker asks')
    assertNoSecret(presented.secret)
    return presented.assertion === undefined ? { clientId: presented.id, kind: 'public' } : signing(presented)
  }

  async #verified(clientId: string, assertion: string): Promise<Assertion> {
    const { issuer, now } = this.#services
    const client = await this.#services.finder.known(clientId)
    if (!client) throw new OAuthError('invalid_client', 'Client not found: register again')
    const terms = { clientId, audiences: [issuer, `${issuer}/token`], now: now() }
    const verified = await verifiedAssertion(assertion, this.#keysOf(client), terms)
    if (verified) return verified
    // Keys change: one that is not in the document that is remembered may have been published since.
    const described = client.keys && 'jwks' in client.keys && (await this.#services.finder.again(client))
    const verifiedNow = described && (await verifiedAssertion(assertion, this.#keysOf(described), terms))
    if (!verifiedNow) throw failed('the assertion is signed with none of the keys of this client')
    return verifiedNow
  }

  #keysOf({ keys }: ClientRecord): Verify {
    if (!keys) throw failed('this client has no keys to sign with')
    if ('jwksUri' in keys) return (token, options) => this.#keySets.at(keys.jwksUri).verify(token, options)
    return (token, options) => verifiedWith(publicKeySet.parse(JSON.parse(keys.jwks)), token, options)
  }
}
