// What people who watch are shown of a message, and which requests are in a body.
import type { Envelope } from './json-rpc-body.ts'
import type { RequestIds } from './refusal.ts'

const LONGEST_LABEL = 200

/** The method, and the tool, prompt or resource it is about. */
export function labelOf(envelope: Envelope | undefined): string {
  const first = envelope?.messages[0]
  if (!first) return 'standing stream'
  const { name, uri } = first.params
  const about = typeof name === 'string' ? name : uri
  return (typeof about === 'string' ? `${first.method} ${about}` : first.method).slice(0, LONGEST_LABEL)
}

const CALL = 'tools/call '

/** The tool a label is about; undefined where it is about none, or the name was cut. */
export function toolIn(label: string): string | undefined {
  return label.startsWith(CALL) && label.length < LONGEST_LABEL ? label.slice(CALL.length) : undefined
}

/** JSON-RPC ids of all requests, each as its client spelled it. */
export function requestIdsOf(envelope: Envelope | undefined): readonly string[] {
  const ids: string[] = []
  for (const { kind, id } of envelope?.messages ?? []) if (kind === 'request' && id !== undefined) ids.push(id)
  return ids
}

/** A batch is answered as a whole, by an error that has no id, or each of its requests is. */
export function waitingIn(envelope: Envelope | undefined): RequestIds {
  const ids = requestIdsOf(envelope)
  return { id: envelope?.isBatch ? undefined : ids[0], ids }
}
