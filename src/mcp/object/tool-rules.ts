// The rules about tools where the object carries: for each request it is handed, and for each stream it reads.
import type { Identity } from '../../caller.ts'
import { charge } from '../../session/access/admit.ts'
import type { McpSession } from '../../session/store/mcp-sessions.ts'
import type { SessionContext } from '../../session/session-context.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import type { Envelope } from '../message/json-rpc-body.ts'
import { sentEnvelope } from './sent-body.ts'
import { toolIn } from '../message/label.ts'
import { McpRefusal } from '../message/refusal.ts'
import { editing, hasRules, ToolGate, type Edit } from '../tools/gate.ts'
import { inquire, INQUIRY_MS, responseIn, type Inquiry } from '../tools/inquiry.ts'
import { rulesFor, verdictOn } from '../tools/policy.ts'
import { ToolMemory } from '../tools/memory.ts'
import { ACCEPTS_MESSAGES } from '../../platform/event-stream.ts'
import { NotAdmitted } from '../dispatch/object-answer.ts'
import type { CarriedRequest, Bridges } from './http-sse/bridges.ts'
import type { SentHeaders } from './downstream-request.ts'
import type { SessionAnswer } from './downstream-session.ts'
import { restored } from '../downstream/session-doubt.ts'
import type { GrantSignals } from './grant-signals.ts'
import type { StreamSpec } from './owned-stream.ts'

/** How the downstream is asked something of the broker's own. */
interface Way {
  readonly signals: GrantSignals
  /** Where HTTP+SSE is spoken on either side. */
  readonly bridges: Bridges | undefined
  /** Elsewhere: in the session of the request. */
  readonly ask: (own: { readonly headers: SentHeaders; readonly body: string }) => Promise<SessionAnswer>
}

interface ChargedWay extends Way {
  /** Of the person's allowance, for each question; throws where there is none left. */
  readonly charge: () => void
}

export class Tools {
  readonly #context: Pick<SessionContext, 'bucket' | 'grants' | 'now' | 'profile' | 'settings'>
  // Of one person, like everything here; so the address alone names a list.
  readonly #memory: ToolMemory

  constructor(context: Pick<SessionContext, 'bucket' | 'grants' | 'now' | 'profile' | 'settings'>) {
    this.#context = context
    this.#memory = new ToolMemory(context.now)
  }

  /** Throws what must not pass; what comes back is for the answer to a question about tools. Undefined where nothing is ruled. */
  passing(
    asked: CarriedRequest,
    session: McpSession | undefined,
    person: Identity,
    way: Way,
  ): Promise<Edit | undefined> | undefined {
    const downstream = this.#downstream(asked.order.caller.resource)
    if (!downstream || !hasRules(downstream) || asked.body.length === 0) return undefined
    return this.#passed(downstream, asked, session, person, way)
  }

  async #passed(
    downstream: Downstream,
    asked: CarriedRequest,
    session: McpSession | undefined,
    { issuer, groups }: Identity,
    way: Way,
  ): Promise<Edit | undefined> {
    const { caller, target } = asked.order
    const gate = new ToolGate(downstream, { scopes: caller.scopes, issuer, groups }, { memory: this.#memory, list: target })
    const envelope = sentEnvelope(asked.body)
    try {
      await pass(gate, envelope, asked, session, { ...way, charge: () => this.#charge(caller.resource) })
    } catch (error) {
      if (error instanceof McpRefusal && error.code === 'insufficient_scope')
        this.#context.grants.noteNarrow(caller.grantId, Date.now())
      throw session && way.bridges ? await told(error, asked, session, way.bridges) : error
    }
    return gate.editOf(envelope)
  }

  /** By the groups the person has when a message comes: some streams are open for days. */
  editOf({ grantId, target, lists = [] }: Pick<StreamSpec, 'grantId' | 'target' | 'lists'>): Edit | undefined {
    const { grants, profile } = this.#context
    const rules = this.#downstream(grants.find(grantId)?.resource)?.tools
    if (!rules) return undefined
    return (message, isMessage) =>
      editing(
        rules,
        profile.identity ?? { issuer: '', groups: [] },
        target === undefined ? undefined : { asked: lists, learn: (listed) => this.#memory.learn(target, listed) },
      )(message, isMessage)
  }

  /** By its name alone: what is called already was let through as one that only reads, if it had to be. */
  mayGoOn({ grantId, label }: { readonly grantId: string; readonly label: string }): boolean {
    const { grants, profile } = this.#context
    const rules = this.#downstream(grants.find(grantId)?.resource)?.tools
    const tool = toolIn(label)
    if (!rules || tool === undefined) return true
    return verdictOn(tool, rulesFor(rules, profile.identity ?? { issuer: '', groups: [] })) !== 'denied'
  }

  #charge(resource: string): void {
    const refused = charge(this.#context, resource)
    if (refused) throw new NotAdmitted(refused)
  }

  #downstream(asked: string | undefined): Downstream | undefined {
    return downstreamFor(this.#context.settings, asked)
  }
}

async function pass(
  gate: ToolGate,
  envelope: Envelope,
  asked: CarriedRequest,
  session: McpSession | undefined,
  way: ChargedWay,
): Promise<void> {
  if (gate.check(envelope)) return
  const headers = headersToAsk(asked.headers)
  await way.signals.within(asked.order.caller.grantId, INQUIRY_MS, async (signal) =>
    inquire(gate, async ({ id, body }: Inquiry) => {
      way.charge()
      if (way.bridges) return session && (await way.bridges.ask(session, { id, body, headers, signal }))
      return await responseIn(restored(await way.ask({ headers, body })), id, signal)
    }),
  )
  gate.check(envelope, true)
}

/** A client of HTTP+SSE reads no answer to a POST: it would wait for one on its stream. */
async function told(error: unknown, { order }: CarriedRequest, session: McpSession, bridges: Bridges): Promise<unknown> {
  if (order.client !== 'http-sse' || !(error instanceof McpRefusal) || error.code !== 'tool_not_allowed') return error
  const [id] = order.requestIds
  await bridges.tell(session, error.for({ id, ids: order.requestIds }).answers(order.requestId))
  return new McpRefusal(error.code, error.message, { reason: error.reason, isTold: true })
}

/** The headers of a call, for a question of the broker's own in the same session. */
function headersToAsk(call: SentHeaders): SentHeaders {
  return { ...call, 'content-type': 'application/json', accept: ACCEPTS_MESSAGES }
}
