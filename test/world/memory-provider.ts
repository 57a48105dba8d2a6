// What a desktop client keeps on disk, in memory: the OAuth side of both SDKs; where it would open a browser, the test's own walks the sign-in.
import { randomUUID } from 'node:crypto'
import { REDIRECT_URI } from './broker-client.ts'
import { signInAs } from './browser.ts'
import type { PersonKey } from './people.ts'

/** The SDKs disagree about what they store, so the types of both are arguments. */
export class MemoryProvider<Client, Tokens, Discovery> {
  readonly redirectUrl = REDIRECT_URI
  readonly clientMetadata = {
    client_name: 'A test of the SDK',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  }
  /** How often the client wanted a browser: a refresh must not. */
  signIns = 0
  savedTokens: Tokens | undefined
  readonly #person: PersonKey
  readonly #decision: 'allow' | 'deny'
  readonly #state = randomUUID()
  #client: Client | undefined
  #verifier = ''
  #discovery: Discovery | undefined
  #back: URL | undefined

  constructor(person: PersonKey, decision: 'allow' | 'deny' = 'allow') {
    this.#person = person
    this.#decision = decision
  }

  /** Where the client was called back, its own state included. */
  answer(): URLSearchParams {
    if (!this.#back) throw new Error('the client never asked to open a browser')
    const { searchParams } = this.#back
    if (searchParams.get('state') !== this.#state) throw new Error('somebody else’s state came back')
    return searchParams
  }

  code(): string {
    return this.answer().get('code') ?? ''
  }

  state(): string {
    return this.#state
  }

  clientInformation(): Client | undefined {
    return this.#client
  }

  saveClientInformation(client: Client): void {
    this.#client = client
  }

  tokens(): Tokens | undefined {
    return this.savedTokens
  }

  saveTokens(tokens: Tokens): void {
    this.savedTokens = tokens
  }

  /** The SDK calls it when a server does not know a client any more, or refuses a refresh for good. */
  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'client') this.#client = undefined
    if (scope === 'all' || scope === 'tokens') this.savedTokens = undefined
    if (scope === 'all' || scope === 'discovery') this.#discovery = undefined
  }

  async redirectToAuthorization(link: URL): Promise<void> {
    this.signIns += 1
    this.#back = await signInAs(this.#person, link.href, { stopAt: REDIRECT_URI, decision: this.#decision })
  }

  /** SEP-2352: the code goes to the authorization server the sign-in began at. */
  saveDiscoveryState(discovery: Discovery): void {
    this.#discovery = discovery
  }

  discoveryState(): Discovery | undefined {
    return this.#discovery
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  codeVerifier(): string {
    return this.#verifier
  }
}
