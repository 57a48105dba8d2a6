// UserSession: the Durable Object of one person — composition of its capabilities and the only way in.
import { DurableObject } from 'cloudflare:workers'
import { Lifecycle, type LifecycleJobContext } from 'agents/lifecycle'
import type { Caller, Identity } from '../caller.ts'
import { log } from '../platform/telemetry.ts'
import type { Admission, Refused, Vouched } from './contract/admission.ts'
import { carryOut, describePerson, runBulkAction, summaryOf, watchPerson } from './admin/administration.ts'
import type { PersonDetail, Target } from './admin/administration.ts'
import { admit, charge } from './access/admit.ts'
import { endDisallowed } from './access/allowed.ts'
import { sessionTables, sessionTablesInOrder, type SessionTables } from './tables.ts'
import type { CarriedEvent, Carrier, GetAnswer, GetRequest } from './streams/carrier.ts'
import type { Redemption } from './store/codes.ts'
import { Credentials } from './store/credentials.ts'
import type { BulkAction } from './store/bulk-action-log.ts'
import { grantByExchange, type Exchange, type ExchangeOutcome } from './access/exchange.ts'
import { MinuteLimit } from './access/minute-limit.ts'
import type { RevocationReason } from './store/grants.ts'
import { Load } from './contract/load-report.ts'
import { enrol, identify, issue, type Enrolment } from './access/machine.ts'
import { leashRules } from './access/leash-rules.ts'
import { leaseRules } from './access/lease-rules.ts'
import { SessionAlarms } from './upkeep/alarms.ts'
import type { PagesSession } from './store/pages-sessions.ts'
import { pagesStanding, visit, type PagesStanding } from './admin/pages-visits.ts'
import type { SessionContext, SessionServices } from './session-context.ts'
import { endGrant, type PagesSpared } from './revocation.ts'
import type { By, Ended, AdminAction, Receipt } from './contract/receipt.ts'
import { obey } from './admin/signal-orders.ts'
import type { SignalOrder } from './contract/signal.ts'
import { noteEntries, sealedFor, switchRecordingOn, switchRecordingOff } from './admin/recording-switch.ts'
import type { RecordedBy, RecordingAsked, RecordingPage, RecordingTerms, SealedPage, WireEntry } from './contract/recording.ts'
import { learn } from './access/provisioning.ts'
import { redeem, Refreshing, signIn, type IssuedCode, type Presented, type SignIn } from './access/tokens.ts'
import type { SignInRefusal, TokenFacts, TokenOutcome } from './access/tokens.ts'
import { answerChallenge } from './access/challenge.ts'
import type { Challenge } from './contract/challenge.ts'
import { endLink, keepLink, linkStates, type LinkMade, type LinkState } from './access/own-sign-in.ts'
import { beginUpkeep, planUpkeep } from './upkeep/upkeep.ts'

export abstract class UserSession extends DurableObject<Env> {
  readonly lifecycle: Lifecycle
  readonly #has: SessionTables
  readonly #refreshing = new Refreshing()
  readonly #load = new Load()
  readonly #forms = new MinuteLimit()
  #context: SessionContext | undefined
  #carrier: Carrier | undefined
  #jobs: SessionAlarms | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#has = sessionTables(
      { ctx, namespace: env.USER_SESSION },
      {
        ...leashRules(() => this.#context),
        changed: () => this.#load.changed(),
        standingLeft: (streamId) => {
          this.#carrier?.standingLeft(streamId)
          this.#jobs?.watch()
        },
      },
      leaseRules(() => this.#context),
    )
    this.lifecycle = Lifecycle.install(this)
    for (const capability of sessionTablesInOrder(this.#has)) this.lifecycle.use(capability)
  }

  /** What outer layers implement is injected by `worker.ts`. */
  protected abstract services(): Promise<SessionServices>

  /** Runs once in the life of the object in memory, after the capabilities have read their tables. */
  async onStart(): Promise<void> {
    const services = await this.services()
    const { settings, keys } = services
    const { provider, links, bucket, outbox, leashes, leases, legacyDownstreams, profile, recorder, transmissions } = this.#has
    const waitUntil = (work: Promise<unknown>): void => this.ctx.waitUntil(work)
    const changed = (): void => waitUntil(outbox.report())
    const renewed = (resource: string): void => waitUntil(leases.drop((lease) => lease.resource === resource))
    await Promise.all([provider.open(services), links.open({ ...services, waitUntil, changed, renewed })])
    bucket.open(settings, Date.now())
    recorder.open(settings.limits)
    legacyDownstreams.open(keys)
    transmissions.open({ settings, key: keys.identity.active, identity: () => profile.identity })
    const context: SessionContext = {
      ...this.#has,
      settings,
      credentials: new Credentials(settings, keys),
      carrier: () => carrier,
      load: this.#load,
      takenBack: (opening) => services.takenBack({ sub: this.lifecycle.name, ...opening }),
      provisioned: (asked) => services.provisioned({ sub: this.lifecycle.name, ...asked }),
      now,
    }
    const carrier = services.carrier(context, waitUntil)
    this.#carrier = carrier
    this.#context = context
    this.#jobs = new SessionAlarms(context, (job) => this.lifecycle.jobs.push(job), waitUntil)
    this.#load.open({
      tell: (report) => {
        this.#has.recent.keep()
        return services.tellLoad({ sub: this.lifecycle.name, ...report })
      },
      open: () => leashes.count + carrier.open().length,
    })
    outbox.open({ deliver: services.report, summary: () => summaryOf(context, this.lifecycle.name) })
    // How often objects wake is what a deployment pays for; nothing else says that they slept.
    log('info', 'session.woke', { leashes: leashes.count })
    for (const { resource, requests } of leases.out()) bucket.isOut(resource, requests)
    // The settings may be others than in the last life of the object. Not awaited: a stream that is told so answers only after the start.
    waitUntil(Promise.all([endDisallowed(context), leases.drop()]))
    carrier.recover()
    await beginUpkeep(context)
    this.#jobs?.watch()
  }

  /**
   * Leashes and leases are upgrades, what the router hands over whole is a request, and everything else is a method call. What is handed
   * over goes past the capabilities: none of them has anything to say to it, and each would be waited for.
   */
  override async fetch(request: Request): Promise<Response> {
    if (request.headers.has('upgrade')) return await this.lifecycle.fetch(request)
    const { carrier } = await this.#started()
    const answer = await carrier().carry(request)
    this.#jobs?.watch()
    return answer
  }

  /** What the router needs for a GET of the legacy eras. */
  async openGet(asked: GetRequest): Promise<GetAnswer> {
    return (await this.#started()).carrier().openGet(asked)
  }

  /** Stores events of a standing stream before the router sends them; resolves with their numbers. */
  async append(stream: string, epoch: number, events: readonly CarriedEvent[]): Promise<readonly number[]> {
    return (await this.#started()).carrier().append(stream, epoch, events)
  }

  /** A person came back from the identity provider; or why they get no grant. */
  async signIn(asked: SignIn): Promise<IssuedCode | SignInRefusal> {
    const context = await this.#started()
    const issued = await signIn(context, asked)
    if (issued !== 'blocked') await Promise.all([this.#jobs?.planSweep(), planUpkeep(context)])
    return issued
  }

  async redeem(asked: Redemption): Promise<TokenOutcome> {
    return redeem(await this.#started(), asked)
  }

  async refresh(asked: Presented): Promise<TokenOutcome> {
    return this.#refreshing.refresh(await this.#started(), asked)
  }

  /** What an issuer has signed about the person is exchanged for an access token. */
  async exchange(asked: Exchange): Promise<ExchangeOutcome> {
    const context = await this.#started()
    const outcome = await grantByExchange(context, asked)
    // A grant that goes on for longer is met by the sweep that was planned for it, which then plans the next.
    if (outcome.granted && outcome.isNew) await Promise.all([this.#jobs?.planSweep(), planUpkeep(context)])
    return outcome
  }

  /** An administrator created a machine credential: this is its session. */
  async enrol(asked: Enrolment, by: By): Promise<void> {
    await enrol(await this.#started(), asked, by)
    await this.#jobs?.planSweep()
  }

  /** The facts of a machine's next access token; undefined when its grant is over. */
  async issue(grantId: string): Promise<TokenFacts | undefined> {
    return issue(await this.#started(), grantId)
  }

  /** Which machine this is, as long as its grant lives; for what is no MCP request. */
  async identify(caller: Caller): Promise<Identity | undefined> {
    return identify(await this.#started(), caller)
  }

  /** Decides about one MCP request: the one call it costs. `label` is what people are shown of it. */
  async admit(caller: Caller, label = ''): Promise<Admission> {
    return admit(await this.#started(), caller, label)
  }

  /** The router is about to ask the downstream something of the broker's own, for a request that was admitted; or why it must not. */
  async charge(resource: string): Promise<Refused | undefined> {
    return charge(await this.#started(), resource)
  }

  /** What follows from a downstream that did not take the person's token. */
  async challenged(challenge: Challenge): Promise<Vouched | Refused | undefined> {
    return answerChallenge(await this.#started(), challenge)
  }

  /** The person has signed in at a downstream; undefined when what that was for has ended meanwhile. */
  async link(made: LinkMade): ReturnType<typeof keepLink> {
    const kept = await keepLink(await this.#started(), made)
    if (kept) await this.#jobs?.planSweep()
    return kept
  }

  /** Ends that, and every grant that rests on it: when this returns its streams are closed. */
  async unlink(resource: string, by: By): Promise<Ended> {
    return endLink(await this.#started(), resource, by.reason ?? by.actor, by)
  }

  async links(): Promise<readonly LinkState[]> {
    return linkStates(await this.#started())
  }

  /** Whether a token of this grant and generation would be taken (RFC 7662 `active`). */
  async isActive(asked: Presented, kind: 'access' | 'refresh'): Promise<boolean> {
    const { grants } = await this.#started()
    const grant = grants.live(asked.grantId, now())
    if (grant?.clientId !== asked.clientId) return false
    return kind === 'access' || ['current', 'replay'].includes(grants.generationState(grant, asked.generation, now()))
  }

  /** A client has signed a request about a token of this person; false when it has sent the same assertion before. */
  async takeAssertion({ id, until }: { readonly id: string; readonly until: number }): Promise<boolean> {
    const { assertions } = await this.#started()
    return assertions.take(id, until, now())
  }

  /** Ends one grant: when this returns its streams are closed. False when it was not alive. */
  async revokeGrant(grantId: string, why: RevocationReason): Promise<boolean> {
    const context = await this.#started()
    const grant = context.grants.live(grantId, now())
    if (grant) await endGrant(context, grant, why)
    return grant !== undefined
  }

  /** The process is about to end: whoever is connected is told to come again. */
  async shutDown(): Promise<void> {
    const { leashes, carrier } = await this.#started()
    carrier().shutDown()
    // Leases end with their routers, which are in the same process; one that went with an earlier crash would have to be waited for.
    await leashes.pull('shutting_down')
  }

  /** What an administrator sees; undefined when nobody has signed in here. */
  async describe(): Promise<PersonDetail | undefined> {
    return describePerson(await this.#started(), this.lifecycle.name)
  }

  /** The same with what has passed over each open stream, for somebody who watches. */
  async watch(): Promise<PersonDetail | undefined> {
    return watchPerson(await this.#started(), this.lifecycle.name)
  }

  /**
   * Carries out what was ordered about this person alone: when this returns it is over. `person` is who they are, if they are forgotten
   * here. Undefined where they wanted to end something of their own and there was nothing: that leaves no receipt.
   */
  async carryOut(order: AdminAction, person?: Identity, spared?: PagesSpared): Promise<Receipt | undefined> {
    return carryOut(await this.#started(), order, person, spared)
  }

  /** Ends what is named, on behalf of an action on many people: when this returns it is over. */
  async end(target: Target, by: By, bulkAction: BulkAction): Promise<Ended> {
    return runBulkAction(await this.#started(), target, by, bulkAction)
  }

  /** The company's directory, or a new deployment, has changed what counts for this person: when this returns nothing is open that may not be. */
  async learn(by: By): Promise<Ended> {
    return learn(await this.#started(), by)
  }

  /** The person has signed in to their own pages, or to the portal; true when that ended the oldest of their sessions. */
  async visit(identity: Identity, session: PagesSession): Promise<boolean> {
    const isSurplus = await visit(await this.#started(), identity, session)
    await this.#jobs?.planSweep()
    return isSurplus
  }

  /** What decides about the cookie of a page, which names this session. */
  async pagesStanding(session: string): Promise<PagesStanding> {
    return pagesStanding(await this.#started(), session)
  }

  /** The person has sent a form of their own pages: seconds to wait, 0 when it may be acted on. Each may end something, and that is written down. */
  takeForm(): number {
    return this.#forms.waitFor('forms', now())
  }

  /** The person has signed out of the pages in one browser: a copy of its cookie opens nothing either. */
  async endPages(session: string): Promise<void> {
    ;(await this.#started()).pages.end(session)
  }

  /**
   * Carries out what an identity system has said, once the Directory has taken it: when this returns it is over. `person` is who they are,
   * for blocking somebody who was never here. Undefined when nobody is known.
   */
  async obey(order: SignalOrder, person?: Identity): Promise<Receipt | undefined> {
    return await obey(await this.#started(), order, person).finally(() => this.#jobs?.planSweep())
  }

  /** Switches the flight recorder on; undefined when nobody is known here. */
  async record(asked: RecordingAsked, by: By): Promise<RecordingTerms | undefined> {
    return switchRecordingOn(await this.#started(), asked, by)
  }

  /** Switches it off; what was recorded stays for a while. False when it was not on. */
  async stopRecording(by: By): Promise<boolean> {
    return switchRecordingOff(await this.#started(), by)
  }

  /** What has come after an entry, or the newest so many. */
  async recording(asked: { readonly after: number } | { readonly newest: number }): Promise<RecordingPage> {
    return (await this.#started()).recorder.read(asked, now())
  }

  /** What has come after an entry, with its messages, sealed. Whoever takes them is noted. */
  async sealedRecording(after: number, most?: number, reader?: RecordedBy): Promise<SealedPage> {
    return sealedFor(reader, await this.#started(), after, most)
  }

  /** What the router saw pass while the admission said that it is recorded. */
  async note(entries: readonly WireEntry[]): Promise<void> {
    await noteEntries(await this.#started(), entries)
  }

  async onJob({ job }: LifecycleJobContext): Promise<{ rescheduleAt: number } | undefined> {
    await this.#started()
    return this.#jobs?.run(job.fn)
  }

  /** Native calls do not start the lifecycle by themselves; every method begins here. */
  async #started(): Promise<SessionContext> {
    if (!this.lifecycle.isStarted()) await this.lifecycle.start()
    if (!this.#context) throw new Error('the session was used before it started')
    return this.#context
  }
}

const now = (): number => Math.floor(Date.now() / 1000)
