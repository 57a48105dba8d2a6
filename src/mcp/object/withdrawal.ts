// Requests their client does not wait for any more (MCP, "Cancellation"): nothing is sent for them, whatever the downstream does.
import type { Message } from '../message/json-rpc-body.ts'
import type { OpenRequests } from '../message/open-requests.ts'

/** What answers to requests are read from, or waited for. */
export interface Owing {
  readonly open: OpenRequests
  /** It owes something less now. */
  readonly noted?: () => void
  /** It owes nothing more: the connection to the downstream is closed. */
  readonly end: () => void
}

/** The requests these messages take back, by their ids in JSON. */
export function withdrawnBy(messages: readonly Message[]): readonly string[] {
  return messages.flatMap(({ kind, method, params: { requestId } }) => {
    const isId = typeof requestId === 'string' || typeof requestId === 'number'
    return kind === 'notification' && method === 'notifications/cancelled' && isId ? [JSON.stringify(requestId)] : []
  })
}

/**
 * From now on no answer passes and none is made up. What is returned ends whatever owes nothing more; that comes after the
 * downstream was told, which would take a connection that closes for a client that may come again.
 */
export function withdraw(ids: readonly string[], owing: readonly Owing[]): () => void {
  const over: Owing[] = []
  for (const id of ids) {
    // Clients without sessions may have the same id open twice: then nobody can say which of them is meant.
    const [one, another] = owing.filter(({ open }) => open.has(id))
    if (!one || another) continue
    one.open.withdraw(id)
    one.noted?.()
    if (one.open.areAnswered) over.push(one)
  }
  return () => {
    for (const { end } of over) end()
  }
}
