// Directory: the Durable Object of the deployment — composition of its capabilities and the only way in. Its name is "directory".
//
// It is never on the way of an MCP request or a token: who is connected stays connected while it is away.
import { DurableObject } from 'cloudflare:workers'
import { Lifecycle } from 'agents/lifecycle'
import type { LoadReport } from '../session/load.ts'
import type { Report } from '../session/outbox.ts'
import { readSettings, type Settings } from '../settings.ts'
import { Activity, type HourOfActivity } from './activity.ts'
import { Campaigns, type Failing } from './campaigns.ts'
import type { ClientRecord, ListedClient } from './client-record.ts'
import { Clients, type Registration } from './clients.ts'
import { enteredClient, enteredClients } from './entered-clients.ts'
import { Live } from './live.ts'
import { Load, type LoadOfDay } from './load.ts'
import { listed, Machines, type ListedMachine, type MachineRecord } from './machines.ts'
import { ProviderSessions } from './provider-sessions.ts'
import { People, type PeoplePage, type PersonRow } from './people.ts'
import { atOnce, Receipts, type Order, type Receipt, type ReceiptPage } from './receipts.ts'
import { SecurityEvents, type EventFilter, type RecordedEvent } from './security-events.ts'

/** All addresses together may register this many times as fast as one of them. */
const SOURCES_AT_ONCE = 10

export interface ClientWithPeople extends ListedClient {
  /** How many have a grant for it. */
  readonly people: number
}

export interface Counts {
  readonly people: number
  readonly connected: number
  /** Open at this moment, as far as has been told. */
  readonly streams: number
}

interface Busyness extends Counts {
  readonly load: LoadOfDay
}

export interface Overview extends Busyness {
  readonly activity: readonly HourOfActivity[]
  /** Seen last. */
  readonly lately: readonly PersonRow[]
  readonly events: readonly RecordedEvent[]
}

const DAY_HOURS = 24
const OVERVIEW_PEOPLE = 8
const OVERVIEW_EVENTS = 50

type Noted = Parameters<SecurityEvents['record']>[2]

export class Directory extends DurableObject<Env> {
  readonly lifecycle: Lifecycle
  readonly #clients: Clients
  readonly #people: People
  readonly #events: SecurityEvents
  readonly #providerSessions: ProviderSessions
  readonly #receipts: Receipts
  readonly #campaigns: Campaigns
  readonly #machines: Machines
  readonly #activity: Activity
  readonly #load: Load
  readonly #live: Live
  #settings: Settings | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#clients = new Clients(ctx.storage, now)
    this.#people = new People(ctx.storage)
    this.#events = new SecurityEvents(ctx.storage)
    this.#providerSessions = new ProviderSessions(ctx.storage)
    this.#receipts = new Receipts(ctx.storage)
    this.#machines = new Machines(ctx.storage)
    this.#activity = new Activity(ctx.storage)
    this.#load = new Load(ctx.storage)
    this.#live = new Live(() => ({ ...this.#counts(), newest: this.#events.newest }), now)
    this.#campaigns = new Campaigns(ctx.storage, {
      people: this.#people,
      receipts: this.#receipts,
      ask: async (sub, target, by, errand) => await env.USER_SESSION.getByName(sub).end(target, by, errand),
      now,
    })
    this.lifecycle = Lifecycle.install(this)
      .use(this.#clients)
      .use(this.#people)
      .use(this.#events)
      .use(this.#providerSessions)
      .use(this.#receipts)
      .use(this.#machines)
      .use(this.#campaigns)
      .use(this.#activity)
      .use(this.#load)
      .use(this.#live.state)
      .use(this.#live.sockets)
  }

  async onStart(): Promise<void> {
    await this.#campaigns.resume()
  }

  /** `source` stands for the address the request came from; it counts against that address's rate. */
  async register(client: ClientRecord, source: string): Promise<Registration> {
    await this.lifecycle.start()
    return this.#clients.register(client, source, this.#rate())
  }

  /** What the document of a client says, for which somebody at `source` has asked; a client that is new counts against the same rate. */
  async keepDocument(client: ClientRecord, source: string): Promise<Registration> {
    await this.lifecycle.start()
    return this.#clients.keepDocument(client, source, this.#rate())
  }

  /** A client that was entered, or registered or described and has not expired. */
  async client(id: string): Promise<ClientRecord | undefined> {
    await this.lifecycle.start()
    return this.#known(id)
  }

  #known(id: string): ClientRecord | undefined {
    return enteredClient(this.#told().clients, id, this.#blocked) ?? this.#clients.client(id)
  }

  readonly #blocked = (id: string): ListedClient['blocked'] => this.#clients.blocked(id)

  #rate(): { readonly perSource: number; readonly overall: number } {
    const perSource = this.#told().limits.registrationsPerMinute
    return { perSource, overall: perSource * SOURCES_AT_ONCE }
  }

  /** To be called when a person allowed the client something: from then on it lives 400 days instead of one. */
  async markUsed(id: string): Promise<void> {
    await this.lifecycle.start()
    this.#clients.markUsed(id)
  }

  /** What a person's object has to say; a second delivery changes nothing. */
  async record({ person, events }: Report): Promise<void> {
    await this.lifecycle.start()
    const { sub } = person
    this.#people.record(person)
    for (const event of events) {
      const { providerSession, at } = event
      if (providerSession !== undefined) this.#providerSessions.remember(person.identity.issuer, providerSession, sub, at)
      const isNew = this.#note(`${sub}.${event.number}`, sub, event)
      if (isNew && event.type === 'signed_in') await this.#campaigns.late(sub, event, this.#told().limits.codeTtl)
    }
  }

  async people(search: string, after: string | undefined): Promise<PeoplePage> {
    await this.lifecycle.start()
    return this.#people.page(search, after)
  }

  async person(sub: string): Promise<PersonRow | undefined> {
    await this.lifecycle.start()
    return this.#people.find(sub)
  }

  async personOfProviderSession(issuer: string, sid: string): Promise<string | undefined> {
    await this.lifecycle.start()
    return this.#providerSessions.subjectOf(issuer, sid)
  }

  async counts(): Promise<Counts> {
    await this.lifecycle.start()
    return this.#counts()
  }

  /** The same with the last day in steps. */
  async busyness(): Promise<Busyness> {
    await this.lifecycle.start()
    return { ...this.#counts(), load: this.#load.lastDay(now()) }
  }

  #counts(): Counts {
    return { ...this.#people.counts(), streams: this.#load.streams }
  }

  /** How busy a person's object was since it said so last. */
  async load(report: LoadReport): Promise<void> {
    await this.lifecycle.start()
    if (this.#load.note(report, now())) this.#live.stirred()
  }

  /** What the portal's first page shows. */
  async overview(): Promise<Overview> {
    await this.lifecycle.start()
    const events = this.#events.page({ most: OVERVIEW_EVENTS })
    const lately = this.#people.page('', undefined).people.slice(0, OVERVIEW_PEOPLE)
    return { ...(await this.busyness()), activity: this.#activity.last(DAY_HOURS, now()), lately, events }
  }

  /** Those of them who are known. */
  async named(subs: readonly string[]): Promise<readonly PersonRow[]> {
    await this.lifecycle.start()
    return subs.flatMap((sub) => this.#people.find(sub) ?? [])
  }

  async clients(
    search: string,
    after: string | undefined,
  ): Promise<{ readonly clients: readonly ClientWithPeople[]; readonly next: string | undefined }> {
    await this.lifecycle.start()
    const { clients: registered, next } = this.#clients.page(search, after)
    const entered = after === undefined ? enteredClients(this.#told().clients, search, this.#blocked) : []
    const clients = [...entered, ...registered]
    return { clients: clients.map((client) => ({ ...client, people: this.#people.countConnected(client.id) })), next }
  }

  async securityEvents(filter: EventFilter): Promise<readonly RecordedEvent[]> {
    await this.lifecycle.start()
    return this.#events.page(filter)
  }

  /** Ends what is named for everybody who has it: returns when it has begun, and goes on until all have answered. */
  async begin(order: Order): Promise<Receipt> {
    await this.lifecycle.start()
    this.#audit(order, `${order.target.what}_ended`)
    return await this.#campaigns.begin(order)
  }

  /** Nobody can connect the client any more, and who has is disconnected. Undefined when it is not known. */
  async blockClient(order: Order): Promise<Receipt | undefined> {
    await this.lifecycle.start()
    const id = order.target.id ?? ''
    if (!this.#known(id)) return undefined
    this.#clients.block(id, order)
    this.#audit(order, 'client_blocked')
    return await this.#campaigns.begin(order)
  }

  /** Undefined when it was not blocked. */
  async unblockClient(order: Order): Promise<Receipt | undefined> {
    await this.lifecycle.start()
    if (!this.#clients.unblock(order.target.id ?? '')) return undefined
    this.#audit(order, 'client_unblocked')
    const receipt = atOnce(order, now())
    this.#receipts.keep(receipt)
    return receipt
  }

  /** Stores the receipt of an action that is done. */
  async keepReceipt(receipt: Receipt): Promise<void> {
    await this.lifecycle.start()
    this.#receipts.keep(receipt)
  }

  async receipts(before: number | undefined): Promise<ReceiptPage> {
    await this.lifecycle.start()
    return this.#receipts.page(before)
  }

  async receipt(id: string): Promise<{ readonly receipt: Receipt; readonly failing: readonly Failing[] } | undefined> {
    await this.lifecycle.start()
    const receipt = this.#receipts.find(id)
    return receipt && { receipt, failing: this.#campaigns.failing(id) }
  }

  async keepMachine(machine: MachineRecord, order: Order): Promise<Receipt> {
    await this.lifecycle.start()
    const receipt = atOnce(order, now())
    this.ctx.storage.transactionSync(() => {
      this.#machines.keep(machine)
      this.#receipts.keep(receipt)
    })
    return receipt
  }

  async machines(
    before: number | undefined,
  ): Promise<{ readonly machines: readonly ListedMachine[]; readonly next: number | undefined }> {
    await this.lifecycle.start()
    const { machines, next } = this.#machines.page(before)
    return { machines: machines.map((machine) => listed(machine, this.#people.find(machine.sub), now())), next }
  }

  /** Somebody signed in tried what is for administrators; once an hour is enough to know. */
  async noteRefusedAdministrator(sub: string, actor: string): Promise<void> {
    await this.lifecycle.start()
    const at = now()
    this.#note(`refused.${sub}.${Math.floor(at / 3_600)}`, sub, { type: 'administration_refused', at, actor })
  }

  /** What is done here is known here; what is done in a person's object comes by its outbox. */
  #audit({ id, at, by, why, target }: Order, type: string): void {
    const clientId = target.what === 'client' ? target.id : undefined
    this.#note(`receipt.${id}`, undefined, {
      type,
      at,
      actor: by,
      reason: why,
      ...(clientId !== undefined && { clientId }),
    })
  }

  /** False when it is known already. */
  #note(id: string, sub: string | undefined, event: Noted): boolean {
    if (!this.#events.record(id, sub, event)) return false
    this.#activity.note(event.type, event.at)
    if (event.type === 'person_blocked' && sub !== undefined) this.#live.dismiss(sub)
    this.#live.happened()
    return true
  }

  // Not in the constructor: a mistake in the settings must not keep the object from waking.
  #told(): Settings {
    this.#settings ??= readSettings(this.env)
    return this.#settings
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
