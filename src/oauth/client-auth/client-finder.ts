// Who the client of a request is: one that was entered, one that registered, or one that a document at the address of its id describes.
//
// Documents are fetched here and nowhere else, when a person is to be asked or an unknown key has signed; what they say is kept in the
// Directory until it is too old. Neither an error nor an invalid document is ever kept.
import type { ClientRecord } from '../../clients/client-record.ts'
import type { Registration } from '../../directory/clients.ts'
import type { KeyRing } from '../../issuer/keys.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'
import { log } from '../../platform/telemetry.ts'
import type { EnteredClient } from '../../settings/clients.ts'
import { Attempts } from '../rate-limit.ts'
import { clientOfDocument, LARGEST_DOCUMENT } from './client-document.ts'
import { clientIdIsOurs } from './clients.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { faultOfAddress, looksLikeAddress, type AddressPolicy } from '../../clients/public-address.ts'
import { publicDocument } from './public-document.ts'

export interface FinderServices {
  readonly keys: KeyRing
  readonly policy: AddressPolicy
  readonly redirectSchemes: readonly string[]
  readonly entered: readonly EnteredClient[]
  readonly directory: () => {
    client(id: string): Promise<ClientRecord | undefined>
    keepDocument(client: ClientRecord, source: string): Promise<Registration>
  }
  /** How many documents one address may have fetched in a minute; all together ten times as many. */
  readonly fetchesPerMinute: number
  /** Unix seconds. */
  readonly now: () => number
}

/** Seconds a document is used beyond its time while its host is down: people go on with a client they know. One that is withdrawn is gone. */
const USED_IN_AN_OUTAGE = 86_400
/** A minute, for a document people use. More than one, for a host may be down for a moment. */
const FETCHES_OF_ONE_IN_USE = 5
/** A minute. Anybody may ask about a client, and nobody else should have to wait for the Directory because of that. */
const ASKED_ABOUT_ONE = 120
const MOST_LATELY = 1_000
/** How many addresses that nobody was asked about lately one network may name, for each document it may have fetched. */
const NAMED_FOR_EACH_FETCH = 4
const REMEMBERED_FOR = 300
const MOST_REMEMBERED = 100

export class ClientFinder {
  readonly #services: FinderServices
  readonly #fetches: Attempts
  /** Of those that people use, each by itself: strangers can use up nothing of it, for none of these is theirs. */
  readonly #inUse: Attempts
  readonly #lookingAgain: Attempts
  readonly #askedAbout: Attempts
  /** By the network a request came from: addresses that may be invented. */
  readonly #named: Attempts
  readonly #lately = new BoundedMap<string, ClientRecord>(MOST_LATELY)
  readonly #remembered = new BoundedMap<string, { readonly client: ClientRecord; readonly until: number }>(MOST_REMEMBERED)

  constructor(services: FinderServices) {
    const { fetchesPerMinute, now } = services
    this.#services = services
    this.#fetches = new Attempts(fetchesPerMinute, fetchesPerMinute * 10, now)
    this.#inUse = new Attempts(FETCHES_OF_ONE_IN_USE, Number.POSITIVE_INFINITY, now)
    this.#lookingAgain = new Attempts(1, fetchesPerMinute, now)
    const named = fetchesPerMinute * NAMED_FOR_EACH_FETCH
    this.#named = new Attempts(named, named * 10, now)
    this.#askedAbout = new Attempts(ASKED_ABOUT_ONE, Number.POSITIVE_INFINITY, now)
  }

  /** The client a person is to be asked about. `source` stands for the address the request came from. */
  async find(id: string, source: () => Promise<string>): Promise<ClientRecord | undefined> {
    if (looksLikeAddress(id)) return await this.#described(id, source)
    // An invented id ends here: only ids of our making, or the operator's, are worth a call to the Directory.
    const isWorthIt = this.#entered(id) !== undefined || (await clientIdIsOurs(this.#services.keys, id)) !== undefined
    return isWorthIt ? await this.#asked(id) : undefined
  }

  /** A flood about one client is answered from memory: who may really connect it, the Directory is asked when a person comes back. */
  async #asked(id: string): Promise<ClientRecord | undefined> {
    const retryAfter = this.#askedAbout.waitFor(id)
    const lately = this.#lately.get(id)
    if (retryAfter > 0 && lately) return lately
    if (retryAfter > 0) throw tooMany(retryAfter)
    const client = await this.#services.directory().client(id)
    if (client) this.#lately.set(id, client)
    return client
  }

  /** What is known already, no older than five minutes where that matters: nothing is fetched. */
  async known(id: string): Promise<ClientRecord | undefined> {
    const entered = this.#entered(id)
    if (entered) return entered
    const now = this.#services.now()
    const remembered = this.#remembered.get(id)
    if (remembered && remembered.until > now) return remembered.client
    const client = await this.#services.directory().client(id)
    if (client) this.#remember(client)
    return client
  }

  /** The client as its document describes it at this moment; undefined when it has none, or was asked for a minute ago. */
  async again(client: ClientRecord): Promise<ClientRecord | undefined> {
    if (client.knownBy !== 'document' || this.#lookingAgain.waitFor(client.id) > 0) return undefined
    // As if nothing were known: what is, did not have the key, and a host that is down has said nothing about the new one.
    return await this.#fetched(client.id, 'again', undefined)
  }

  #entered(id: string): ClientRecord | undefined {
    return this.#services.entered.find(({ record }) => record.id === id)?.record
  }

  async #described(id: string, source: () => Promise<string>): Promise<ClientRecord | undefined> {
    const { policy, now } = this.#services
    const fault = faultOfAddress(id, policy)
    if (fault !== undefined) throw new OAuthError('invalid_client', `Client not found: its id is an address that ${fault}`)
    const from = await source()
    const tooSoon = this.#lately.has(id) ? 0 : this.#named.waitFor(from)
    if (tooSoon > 0) throw tooMany(tooSoon)
    const known = await this.#asked(id)
    if (known && (known.isBlocked || (known.freshUntil ?? 0) > now())) return known
    const retryAfter = known?.isUsed ? this.#inUse.waitFor(id) : this.#fetches.waitFor(from)
    if (retryAfter > 0) {
      // To whoever knows the client, too many requests of others are an outage like that of the document's host.
      if (known && this.#outlastsOutage(known)) return known
      throw tooMany(retryAfter)
    }
    return await this.#fetched(id, from, known)
  }

  async #fetched(id: string, source: string, known: ClientRecord | undefined): Promise<ClientRecord> {
    const { policy, redirectSchemes, directory, now } = this.#services
    const fetched = await publicDocument(id, LARGEST_DOCUMENT, policy)
    if ('fault' in fetched) {
      const { fault, detail, isOutage } = fetched
      if (isOutage && known && this.#outlastsOutage(known)) return known
      const what = `The document that describes this application ${fault}`
      if (isOutage) throw new OAuthError('temporarily_unavailable', what, { reason: detail, retryAfter: 30 })
      throw new OAuthError('invalid_client_metadata', what, { reason: detail })
    }
    const freshUntil = now() + fetched.freshFor
    const described = clientOfDocument(id, fetched.document, policy, redirectSchemes)
    const client: ClientRecord = { ...described, registeredAt: now(), freshUntil }
    const kept = await directory().keepDocument(client, source)
    if (!kept.registered) throw tooMany(kept.retryAfter)
    log('info', 'client.described', { client_id: id, fresh_until: freshUntil, was_known: known !== undefined })
    this.#remember(client)
    return client
  }

  #outlastsOutage({ freshUntil = 0 }: ClientRecord): boolean {
    return this.#services.now() < freshUntil + USED_IN_AN_OUTAGE
  }

  #remember(client: ClientRecord): void {
    this.#remembered.set(client.id, { client, until: this.#services.now() + REMEMBERED_FOR })
  }
}

function tooMany(retryAfter: number): OAuthError {
  return new OAuthError(
    'too_many_requests',
    `Too many applications are asked about from here: try again in ${retryAfter} seconds`,
    {
      retryAfter,
    },
  )
}
