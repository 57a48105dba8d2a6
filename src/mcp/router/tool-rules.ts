// What rules about tools add to the forwarding of one request of 2026-07-28: a question before it, and an edit of the answer.
import { outbound, OutboundError } from '../../platform/outbound.ts'
import { sentUntilTaken } from '../downstream/token-retry.ts'
import { checkAnswer } from '../downstream/downstream-answer.ts'
import type { Forwarding, ForwardingConditions } from './forward.ts'
import type { Envelope } from '../message/json-rpc-body.ts'
import type { ToolGate } from '../tools/gate.ts'
import { inquire, INQUIRY_MS, responseIn } from '../tools/inquiry.ts'

type Gated = Pick<ForwardingConditions, 'edit' | 'before'>

/** What the envelope of a request says about its sender, and not about the request. */
const KEPT_META: readonly string[] = ['protocolVersion', 'clientInfo', 'clientCapabilities']

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
  { target, identity, challenged, charge }: Forwarding & { readonly charge: () => Promise<void> },
  ending: AbortSignal,
): Promise<void> {
  const names = KEPT_META.map((name) => `io.modelcontextprotocol/${name}`)
  const _meta = Object.fromEntries(Object.entries(message?.meta ?? {}).filter(([name]) => names.includes(name)))
  const headers = {
    accept: 'application/json, text/event-stream',
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    'mcp-protocol-version': String(_meta['io.modelcontextprotocol/protocolVersion']),
    'mcp-method': 'tools/list',
    ...identity,
  }
  const signal = AbortSignal.any([ending, AbortSignal.timeout(INQUIRY_MS)])
  const ask = async ({ id, body }: { readonly id: string; readonly body: string }): Promise<string | undefined> => {
    await charge()
    const send = (instead?: Readonly<Record<string, string>>): Promise<Response> =>
      outbound(
        'operator',
        target,
        { method: 'POST', headers: { ...headers, ...instead }, body },
        { signal, headersWithinMs: INQUIRY_MS },
      )
    const answer = await unlessSilent(sentUntilTaken(send, challenged))
    if (answer) await checkAnswer(answer)
    return answer && (await responseIn(answer, id, signal))
  }
  await inquire(gate, ask, { _meta })
}

/** Nothing where none came: then nothing is known of any tool, and the refusal says so. */
async function unlessSilent(answering: Promise<Response>): Promise<Response | undefined> {
  try {
    return await answering
  } catch (error) {
    if (error instanceof OutboundError && error.reason !== 'aborted') return undefined
    throw error
  }
}
