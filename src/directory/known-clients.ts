// Clients wherever they come from: entered by the operator, registered, described by a document of theirs, or the broker's own door for tokens.
import type { ClientRecord, ClientWithPeople, ListedClient } from '../clients/client-record.ts'
import { WEB_IDENTITY_CLIENT } from '../settings/clients.ts'
import type { Settings } from '../settings/settings.ts'
import type { Clients } from './clients.ts'
import { enteredClient, enteredClients, webIdentity } from './entered-clients.ts'
import type { People } from './people.ts'
import type { SecurityEvents } from './security-events.ts'

export interface KnownClientsOptions {
  readonly clients: Clients
  readonly people: People
  readonly events: SecurityEvents
  readonly settings: () => Settings
}

export interface ClientPage {
  readonly clients: readonly ClientWithPeople[]
  readonly next: string | undefined
}

export class KnownClients {
  readonly #has: KnownClientsOptions

  constructor(options: KnownClientsOptions) {
    this.#has = options
  }

  /** One that has not expired. */
  find(id: string): ClientRecord | undefined {
    const { clients, settings } = this.#has
    return enteredClient(settings().clients, id, this.#blocked) ?? clients.client(id)
  }

  isBlocked(id: string): boolean {
    return this.#blocked(id) !== undefined
  }

  listed(id: string): ClientWithPeople | undefined {
    const entered = this.#unregistered(id).find((client) => client.id === id)
    const client = entered ?? this.#has.clients.listed(id)
    return client && this.#withPeople(client)
  }

  page(search: string, after: string | undefined): ClientPage {
    const { clients: registered, next } = this.#has.clients.page(search, after)
    const clients = [...(after === undefined ? this.#unregistered(search) : []), ...registered]
    return { clients: clients.map((client) => this.#withPeople(client)), next }
  }

  readonly #blocked = (id: string): ListedClient['blocked'] => this.#has.clients.blocked(id)

  #unregistered(search: string): readonly ListedClient[] {
    const { events, settings } = this.#has
    const [used] = events.page({ clientId: WEB_IDENTITY_CLIENT, type: 'signed_in', most: 1 })
    return [...enteredClients(settings().clients, search, this.#blocked), ...webIdentity(search, this.#blocked, used?.at)]
  }

  #withPeople(client: ListedClient): ClientWithPeople {
    return { ...client, people: this.#has.people.countConnected({ what: 'client', id: client.id }) }
  }
}
