// Era and kind of one request, decided from its body (ARCHITECTURE.md, law 9): headers may contradict a modern body, never make one.
import { checkAgreement } from './header-agreement.ts'
import type { Envelope, Message } from './json-rpc-body.ts'
import { McpRefusal } from './refusal.ts'
import { META, MODERN_VERSION } from './revision.ts'

export type Era = 'legacy' | 'modern'

/** What is about to pass, as far as the broker treats it differently. */
export interface Passage {
  readonly era: Era
  readonly kind: 'initialize' | 'request' | 'listen' | 'notification' | 'response' | 'batch' | 'stream' | 'end'
  /** The JSON-RPC id of a request as the client spelled it; what its refusal has to name. */
  readonly id: string | undefined
}

const WITHOUT_BATCHES = '2025-06-18'

const STREAM: Passage = { era: 'legacy', kind: 'stream', id: undefined }
const END: Passage = { era: 'legacy', kind: 'end', id: undefined }

/** Whether a version is of the eras without sessions. */
export function isOfLaterEra(version: string): boolean {
  return version >= MODERN_VERSION
}

/** `envelope` is absent for GET and DELETE, which only the legacy eras have. */
export function passageOf(method: string, headers: Headers, envelope: Envelope | undefined): Passage {
  if (envelope === undefined) return method === 'DELETE' ? END : STREAM
  const version = headers.get('mcp-protocol-version') ?? undefined
  const [first] = envelope.messages
  if (envelope.isBatch || first === undefined) return batch(envelope.messages, version)
  return single(first, headers, version)
}

function single(message: Message, headers: Headers, version: string | undefined): Passage {
  const { kind, id, method } = message
  if (kind === 'response') return { era: 'legacy', kind, id: undefined }
  if (isModern(message)) {
    checkAgreement(message, message.meta[META.version], headers)
    return { era: 'modern', kind: kind === 'request' && method === 'subscriptions/listen' ? 'listen' : kind, id }
  }
  // Only the eras before have either, whatever version a client names that speaks both: some name the newest one before they have negotiated,
  // and some servers answer an initialize with it.
  const isOfSession = method === 'initialize' || headers.has('mcp-session-id')
  if (version === undefined || !isOfLaterEra(version) || isOfSession)
    return { era: 'legacy', kind: method === 'initialize' ? 'initialize' : kind, id }
  // A modern notification needs no `_meta`; nobody but the modern era sends one under this version, and it opens nothing.
  if (kind === 'notification') return { era: 'modern', kind, id: undefined }
  throw new McpRefusal(
    'missing_envelope',
    `a request of MCP-Protocol-Version ${MODERN_VERSION} carries params._meta["${META.version}"]`,
  )
}

/** Batches exist in 2025-03-26 alone, whose clients send no version header. */
function batch(messages: readonly Message[], version: string | undefined): Passage {
  if (messages.some(isModern))
    throw new McpRefusal('batch_not_allowed', `a message of MCP ${MODERN_VERSION} comes alone, not in a batch`)
  if (version !== undefined && version >= WITHOUT_BATCHES) {
    throw new McpRefusal('batch_not_allowed', `batches ended with MCP ${WITHOUT_BATCHES}: send each message alone`)
  }
  if (messages.some(({ method }) => method === 'initialize'))
    throw new McpRefusal('batch_not_allowed', 'initialize comes alone, not in a batch')
  return { era: 'legacy', kind: 'batch', id: undefined }
}

function isModern({ kind, meta }: Message): boolean {
  return kind !== 'response' && Object.hasOwn(meta, META.version)
}
