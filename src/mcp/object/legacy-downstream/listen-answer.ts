// The answer to `subscriptions/listen` in the place of a server that says everything on one stream, and is told what to say.
import { filterIn, honoured, type SubscriptionFilter } from '../../bridge/subscription-filter.ts'
import { ProtocolError } from '../../bridge/protocol-error.ts'
import { HELD_HEADER } from '../../dispatch/translation-order.ts'
import { encodeEvent } from '../../sse/sse.ts'
import { EVENT_STREAM_HEADERS } from '../../../platform/event-stream.ts'
import type { LegacyServer } from './legacy-server.ts'
import { acknowledged, type Listener } from './listeners.ts'
import { Outgoing } from './answer-events.ts'
import type { SentHeaders } from '../downstream-request.ts'

/** Subscriptions of one listener; what is more is left out of the acknowledgement. */
const MOST_URIS = 100

export async function listened(
  server: LegacyServer,
  {
    id,
    params,
    headers,
  }: { readonly id: string; readonly params: Readonly<Record<string, unknown>>; readonly headers: SentHeaders },
): Promise<Response> {
  const asked = filterIn(params)
  if (!asked) throw new ProtocolError('invalid_params', 'params.notifications says what to listen for')
  const filter = await brought(server, honoured(asked, server.facts.capabilities), headers)
  // Nothing will ever come: nothing of it has to stand open here.
  if (Object.keys(filter).length === 0) {
    const body = encodeEvent({ event: 'message', data: acknowledged({ id, filter }) })
    return new Response(body, { headers: { ...EVENT_STREAM_HEADERS, [HELD_HEADER]: 'true' } })
  }
  const out: Outgoing = new Outgoing(() => server.listeners.remove(listener))
  const listener: Listener = { id, filter, out }
  server.listeners.add(listener)
  return new Response(out.body, { headers: EVENT_STREAM_HEADERS })
}

/** What the server lets be listened to, and says. */
async function brought(server: LegacyServer, filter: SubscriptionFilter, headers: SentHeaders): Promise<SubscriptionFilter> {
  if (Object.keys(filter).length === 0 || !(await server.hear(headers))) return {}
  const { resourceSubscriptions: uris = [], ...lists } = filter
  const subscribed = await server.subscribe(uris.slice(0, MOST_URIS), headers)
  return { ...lists, ...(subscribed.length > 0 && { resourceSubscriptions: [...subscribed] }) }
}
