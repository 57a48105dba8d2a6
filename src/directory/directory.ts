// Directory: the Durable Object of the deployment — composition of its capabilities and the only way in. Its name is "directory".
//
// It is never on the way of an MCP request or a token: who is connected stays connected while it is away.
import { DurableObject } from 'cloudflare:workers'
import { Lifecycle } from 'agents/lifecycle'
import { readSettings } from '../settings.ts'
import type { ClientRecord } from './client-record.ts'
import type { Report } from '../session/outbox.ts'
import { Clients, type Registration, type RegistrationRate } from './clients.ts'
import { People, type PeoplePage, type PersonRow } from './people.ts'
import { SecurityEvents, type EventFilter, type RecordedEvent } from './security-events.ts'

/** All addresses together may register this many times as fast as one of them. */
const SOURCES_AT_ONCE = 10

export class Directory extends DurableObject<Env> {
  readonly lifecycle: Lifecycle
  readonly #clients: Clients
  readonly #people: People
  readonly #events: SecurityEvents
  #registrationRate: RegistrationRate | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#clients = new Clients(ctx.storage, () => Math.floor(Date.now() / 1000))
    this.#people = new People(ctx.storage)
    this.#events = new SecurityEvents(ctx.storage)
    this.lifecycle = Lifecycle.install(this)
    this.lifecycle.use(this.#clients).use(this.#people).use(this.#events)
  }

  /** `source` stands for the address the request came from; it counts against that address's rate. */
  async register(client: ClientRecord, source: string): Promise<Registration> {
    await this.lifecycle.start()
    return this.#clients.register(client, source, this.#rate())
  }

  /** A registered client that has not expired. */
  async client(id: string): Promise<ClientRecord | undefined> {
    await this.lifecycle.start()
    return this.#clients.client(id)
  }

  /** To be called when a person allowed the client something: from then on it lives 400 days instead of one. */
  async markUsed(id: string): Promise<void> {
    await this.lifecycle.start()
    this.#clients.markUsed(id)
  }

  /** What a person's object has to say; a second delivery changes nothing. */
  async record({ person, events }: Report): Promise<void> {
    await this.lifecycle.start()
    this.#people.record(person)
    for (const event of events) this.#events.record(`${person.sub}.${event.number}`, person.sub, event)
  }

  async people(search: string, after: string | undefined): Promise<PeoplePage> {
    await this.lifecycle.start()
    return this.#people.page(search, after)
  }

  async person(sub: string): Promise<PersonRow | undefined> {
    await this.lifecycle.start()
    return this.#people.find(sub)
  }

  async securityEvents(filter: EventFilter): Promise<readonly RecordedEvent[]> {
    await this.lifecycle.start()
    return this.#events.page(filter)
  }

  // Not in the constructor: a mistake in the settings must not keep the object from waking.
  #rate(): RegistrationRate {
    if (!this.#registrationRate) {
      const perSource = readSettings(this.env).limits.registrationsPerMinute
      this.#registrationRate = { perSource, overall: perSource * SOURCES_AT_ONCE }
    }
    return this.#registrationRate
  }
}
