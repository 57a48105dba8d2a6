// Directory: the Durable Object of the deployment — composition of its capabilities and the only way in. Its name is "directory".
//
// It is never on the way of an MCP request, nor of a refresh: who is connected stays connected while it is away.
import { Lifecycle } from 'agents/lifecycle'
import type { LoadReport } from '../session/contract/load-report.ts'
import { recallName } from '../session/store/object-name.ts'
import type { Report } from '../session/store/outbox.ts'
import { namedGroups } from '../settings/named-groups.ts'
import { readSettings, type Settings } from '../settings/settings.ts'
import type { AdminAction, Receipt } from '../session/contract/receipt.ts'
import type { Opening, TakenBack } from '../session/contract/taken-back.ts'
import type { Failing } from './bulk-action-rows.ts'
import { applyPolicy } from './applied-policy.ts'
import { directoryTables, directoryTablesInOrder, type DirectoryTables } from './tables.ts'
import type { ClientRecord, ClientWithPeople } from '../clients/client-record.ts'
import type { Registration } from './clients.ts'
import { KnownClients, type ClientPage } from './known-clients.ts'
import { WEB_IDENTITY_CLIENT } from '../settings/clients.ts'
import { Live } from './live.ts'
import { CredentialDirectory } from './credential-directory.ts'
import { overviewOf, type Busyness, type Counts, type Overview } from './overview.ts'
import type { PagesEnded } from './pages-end.ts'
import type { PeoplePage, PersonRow } from './people.ts'
import { Provisioning } from './provisioning.ts'
import { atOnce, type ReceiptPage } from './receipts.ts'
import type { EventFilter, RecordedEvent, SecurityEvents } from './security-events.ts'

const NAME = 'directory'

/** All addresses together may register this many times as fast as one of them. */
const SOURCES_AT_ONCE = 10

type Noted = Parameters<SecurityEvents['record']>[2]

export abstract class Directory extends CredentialDirectory {
  readonly lifecycle: Lifecycle
  readonly #has: DirectoryTables
  readonly #clients: KnownClients
  readonly #provisioning: Provisioning
  readonly #live: Live
  #settings: Settings | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    void ctx.blockConcurrencyWhile(async () => await recallName(ctx, env.DIRECTORY, async () => NAME))
    this.#has = directoryTables(ctx.storage, {
      ask: async (sub, target, by, bulkAction) => await env.USER_SESSION.getByName(sub).end(target, by, bulkAction),
      obey: async (sub, order, person) => await env.USER_SESSION.getByName(sub).obey(order, person),
      senders: () => this.senders(),
      signer: () => this.signer(),
      settings: () => this.#told(),
      tell: async (sub, by) => await env.USER_SESSION.getByName(sub).learn(by),
      now,
    })
    this.#clients = new KnownClients({ ...this.#has, settings: () => this.#told() })
    this.#provisioning = new Provisioning({
      ...this.#has,
      isNamed: (issuer, group) => namedGroups(this.#told(), issuer).has(group),
      now,
    })
    this.#live = new Live(() => ({ ...this.#counts(), newest: this.#has.events.newest }), now)
    this.lifecycle = Lifecycle.install(this)
    for (const capability of [...directoryTablesInOrder(this.#has), this.#live, this.#live.state, this.#live.sockets])
      this.lifecycle.use(capability)
  }

  async onStart(): Promise<void> {
    await Promise.all([
      this.#has.bulkActions.resume(),
      this.#has.signals.resume(),
      this.#has.exports.resume(),
      applyPolicy(this.#has, this.env, now()),
    ])
  }

  /** `source` stands for the address the request came from; it counts against that address's rate. */
  async register(client: ClientRecord, source: string): Promise<Registration> {
    await this.lifecycle.start()
    return this.#has.clients.register(client, source, this.#rate())
  }

  /** What the document of a client says, for which somebody at `source` has asked; a client that is new counts against the same rate. */
  async keepDocument(client: ClientRecord, source: string): Promise<Registration> {
    await this.lifecycle.start()
    return this.#has.clients.keepDocument(client, source, this.#rate())
  }

  /** A client that was entered, or registered or described and has not expired. */
  async client(id: string): Promise<ClientRecord | undefined> {
    await this.lifecycle.start()
    return this.#clients.find(id)
  }

  #rate(): { readonly perSource: number; readonly overall: number } {
    const perSource = this.#told().limits.registrationsPerMinute
    return { perSource, overall: perSource * SOURCES_AT_ONCE }
  }

  /** Who the broker is at the authorization server of a downstream, sealed. */
  async registration(resource: string): Promise<string | undefined> {
    await this.lifecycle.start()
    return this.#has.registrations.find(resource)
  }

  async keepRegistration(resource: string, sealed: string): Promise<void> {
    await this.lifecycle.start()
    this.#has.registrations.keep(resource, sealed)
  }

  /** What a person's object has to say; a second delivery changes nothing. */
  async record({ person, events, receipts }: Report): Promise<void> {
    await this.lifecycle.start()
    const { sub } = person
    // Who is somebody else by now, or in other groups, may be no administrator any more: whoever still is comes back at once.
    if (this.#has.people.record(person)) this.#live.dismiss(sub)
    for (const receipt of receipts) this.#has.receipts.keep(receipt)
    // Made on the person's own page it comes with no event.
    for (const { resource, madeAt } of person.links)
      await this.#has.bulkActions.late(sub, { number: person.number, at: madeAt, resource })
    for (const event of events) {
      const { providerSession, at } = event
      if (providerSession !== undefined) this.#has.providerSessions.remember(person.identity.issuer, providerSession, sub, at)
      const isNew = this.#note(`${sub}.${event.number}`, sub, event)
      if (!isNew || event.type !== 'signed_in') continue
      // Somebody was let in by it: from now on it lives 400 days instead of one. Who was refused makes no client last.
      this.#has.clients.markUsed(event.clientId ?? '')
      await this.#has.bulkActions.late(sub, event)
    }
  }

  protected override get signalling(): Pick<DirectoryTables, 'signals' | 'streams'> {
    return this.#has
  }

  protected override get made(): DirectoryTables {
    return this.#has
  }

  protected override get evidenced(): Pick<DirectoryTables, 'evidence' | 'exports' | 'receipts'> {
    return this.#has
  }

  protected override get measuring(): Pick<DirectoryTables, 'measures' | 'load'> {
    return this.#has
  }

  protected override get provisioning(): Provisioning {
    return this.#provisioning
  }

  protected override asks(sub: string): void {
    this.#has.bulkActions.opening(sub, { clientId: undefined, resource: '' })
  }

  async people(search: string, after: string | undefined): Promise<PeoplePage> {
    await this.lifecycle.start()
    return this.#has.people.page(search, after)
  }

  async person(sub: string): Promise<PersonRow | undefined> {
    await this.lifecycle.start()
    return this.#has.people.find(sub)
  }

  async counts(): Promise<Counts> {
    await this.lifecycle.start()
    return this.#counts()
  }

  /** How many people have a grant for a server, or a link to it. */
  async usersOf(resource: string): Promise<number> {
    await this.lifecycle.start()
    return this.#has.people.countConnected({ what: 'resource', id: resource })
  }

  /** The same with the last day in steps. */
  async busyness(): Promise<Busyness> {
    await this.lifecycle.start()
    return { ...this.#counts(), load: this.#has.load.lastDay(now()) }
  }

  #counts(): Counts {
    return { ...this.#has.people.counts(), streams: this.#has.load.streams }
  }

  /** How busy a person's object was since it said so last. */
  async load(report: LoadReport): Promise<void> {
    await this.lifecycle.start()
    if (this.#has.load.note(report, now())) this.#live.stirred()
  }

  /** What the portal's first page shows. */
  async overview(): Promise<Overview> {
    await this.lifecycle.start()
    return overviewOf(this.#has, await this.busyness(), now())
  }

  /** Those of them who are known. */
  async named(subs: readonly string[]): Promise<readonly PersonRow[]> {
    await this.lifecycle.start()
    return subs.flatMap((sub) => this.#has.people.find(sub) ?? [])
  }

  async listedClient(id: string): Promise<ClientWithPeople | undefined> {
    await this.lifecycle.start()
    return this.#clients.listed(id)
  }

  async clients(search: string, after: string | undefined): Promise<ClientPage> {
    await this.lifecycle.start()
    return this.#clients.page(search, after)
  }

  async securityEvents(filter: EventFilter): Promise<readonly RecordedEvent[]> {
    await this.lifecycle.start()
    return this.#has.events.page(filter)
  }

  /** Ends what is named for everybody who has it: returns when it has begun, and goes on until all have answered. `session` is that of the pages of who orders it. */
  async begin(order: AdminAction, session = ''): Promise<Receipt> {
    await this.lifecycle.start()
    this.audit(order, `${order.target.what}_ended`)
    if (order.target.what === 'everyone') {
      this.#has.pagesEnd.note({ at: order.at, except: session })
      this.#live.dismissAll()
    }
    return await this.#has.bulkActions.begin(order)
  }

  /** A session of the person's at the pages is over, in one browser; another one that listens comes back at once. */
  async closeFeeds(sub: string): Promise<void> {
    await this.lifecycle.start()
    this.#live.dismiss(sub)
  }

  /**
   * Whether what a person's object is about to begin was taken back; and from now on whatever is taken back comes to that object, though the
   * index does not name it yet.
   */
  async takenBack({ sub, clientId, resource }: Opening): Promise<TakenBack> {
    await this.lifecycle.start()
    this.#has.bulkActions.opening(sub, { clientId, resource })
    const notBefore = this.#has.notBefore.of(clientId, resource)
    return { isClientBlocked: this.#clients.isBlocked(clientId ?? ''), notBefore }
  }

  /** Since when everybody has to sign in to the pages again. */
  async pagesEnded(): Promise<PagesEnded> {
    await this.lifecycle.start()
    return this.#has.pagesEnd.last
  }

  /** Nobody can connect the client any more, and who has is disconnected. Undefined when it is not known. */
  async blockClient(order: AdminAction): Promise<Receipt | undefined> {
    await this.lifecycle.start()
    const id = order.target.id ?? ''
    if (id !== WEB_IDENTITY_CLIENT && !this.#clients.find(id)) return undefined
    this.#has.clients.block(id, order)
    this.audit(order, 'client_blocked')
    return await this.#has.bulkActions.begin(order)
  }

  /** Undefined when it was not blocked. */
  async unblockClient(order: AdminAction): Promise<Receipt | undefined> {
    await this.lifecycle.start()
    const id = order.target.id ?? ''
    if (!this.#has.clients.unblock(id)) return undefined
    this.audit(order, 'client_unblocked')
    await Promise.all([this.#has.bulkActions.unblocked(id), this.#has.notBefore.passed(id)])
    const receipt = atOnce(order, now())
    this.#has.receipts.keep(receipt)
    return receipt
  }

  /** Stores the receipt of an action that is done, sooner than it comes from the person's object. */
  async keepReceipt(receipt: Receipt): Promise<void> {
    await this.lifecycle.start()
    this.#has.receipts.keep(receipt)
  }

  async receipts(before: number | undefined): Promise<ReceiptPage> {
    await this.lifecycle.start()
    return this.#has.receipts.page(before)
  }

  async receipt(id: string): Promise<{ readonly receipt: Receipt; readonly failing: readonly Failing[] } | undefined> {
    await this.lifecycle.start()
    const receipt = this.#has.receipts.find(id)
    return receipt && { receipt, failing: this.#has.bulkActions.failing(id) }
  }

  /** Somebody signed in tried what is for administrators; once an hour is enough to know. */
  async noteRefusedAdministrator(sub: string, actorName: string): Promise<void> {
    await this.lifecycle.start()
    const at = now()
    this.#note(`refused.${sub}.${Math.floor(at / 3_600)}`, sub, { type: 'administration_refused', at, actor: sub, actorName })
  }

  /** What is done here is known here; what is done in a person's object comes by its outbox. */
  protected override audit({ id, at, by, byName, why, target }: AdminAction, type: string): void {
    const acted = { type, at, actor: by, actorName: byName, reason: why }
    const client = target.what === 'client' && target.id !== undefined && { clientId: target.id }
    this.#note(`receipt.${id}`, undefined, { ...acted, ...client })
  }

  /** False when it is known already. */
  #note(id: string, sub: string | undefined, event: Noted): boolean {
    if (!this.#has.events.record(id, sub, event)) return false
    this.#has.activity.note(event.type, event.at)
    if (sub !== undefined && (event.type === 'person_blocked' || event.type === 'person_ended')) this.#live.dismiss(sub)
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
