// What rules about tools add to the forwarding of one request of 2026-07-28: a question before it, and an edit of the answer.
import { OutboundError } from '../../platform/outbound.ts'
import { checkAnswer } from '../downstream/downstream-answer.ts'
import { sentUntilTaken } from '../downstream/token-retry.ts'
import { downstreamUnanswered } from '../downstream/unanswered.ts'
import { straightTo, type Forwarding, type ForwardingConditions } from './forward.ts'
import type { Envelope } from '../message/json-rpc-body.ts'
import type { ToolGate } from '../tools/gate.ts'
import { ACCEPTS_MESSAGES } from '../../platform/event-stream.ts'
import { inquire, INQUIRY_MS, responseIn } from '../tools/inquiry.ts'
import { META } from '../message/revision.ts'

type Gated = Pick<ForwardingConditions, 'edit' | 'before'>

/** What the envelope of a request says about its sender, and not about the request. */
const KEPT_META: readonly string[] = [META.version, META.clientInfo, META.capabilities]

/** Throws what must not pass. `charge` is called before each question to the downstream, and throws where there may be no more of them. */
export function gated(gate: ToolGate, envelope: Envelope, forwarding: Forwarding, charge: () => Promise<void>): Gated {
  const edit = gate.editOf(envelope)
  if (gate.check(envelope)) return { edit }
  return {
    edit,
    before: async (ending) => {
      await askFor(gate, envelope, { ...forwarding, charge }, ending)
      gate.check(envelope, true)
    },
  }
}

async function askFor(
  gate: ToolGate,
  { messages: [message] }: Envelope,
  { target, identity, challenged, way = straightTo(target), charge }: Forwarding & { readonly charge: () => Promise<void> },
  ending: AbortSignal,
): Promise<void> {
  const _meta = Object.fromEntries(Object.entries(message?.meta ?? {}).filter(([name]) => KEPT_META.includes(name)))
  const headers = {
    accept: ACCEPTS_MESSAGES,
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    'mcp-protocol-version': String(_meta[META.version]),
    'mcp-method': 'tools/list',
    ...identity,
  }
  const signal = AbortSignal.any([ending, AbortSignal.timeout(INQUIRY_MS)])
  const ask = async ({ id, body }: { readonly id: string; readonly body: string }): Promise<string | undefined> => {
    await charge()
    const send = (instead?: Readonly<Record<string, string>>): Promise<Response> =>
      way({ method: 'POST', headers: { ...headers, ...instead }, body }, { signal, headersWithinMs: INQUIRY_MS })
    const answer = await sentUntilTaken(send, challenged).catch((error: unknown) => {
      // The request's lifetime says why it was aborted.
      throw error instanceof OutboundError && !ending.aborted ? downstreamUnanswered(error) : error
    })
    await checkAnswer(answer)
    return await responseIn(answer, id, signal)
  }
  await inquire(gate, ask, { _meta })
}
