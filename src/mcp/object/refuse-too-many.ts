// How much one person may have open at once of what the object carries.
import { isFull } from '../../session/access/downstream-room.ts'
import type { SessionContext } from '../../session/session-context.ts'
import type { DispatchHeader } from '../dispatch/dispatch-header.ts'
import { McpRefusal } from '../message/refusal.ts'
import type { Flights } from './flights.ts'
import type { OwnedStreams } from './owned-streams.ts'

interface Open {
  readonly context: Pick<SessionContext, 'grants' | 'settings'>
  readonly streams: OwnedStreams
  /** Requests that wait for the downstream's headers, with their grants. */
  readonly flights: Flights
}

export function refuseTooMany({ caller }: DispatchHeader, { context, streams, flights }: Open): void {
  const grantsOfOpen = () => [...streams.open().map(({ grantId }) => grantId), ...flights.grantIds]
  if (isFull(context, caller.resource, streams.size + flights.size, grantsOfOpen))
    throw new McpRefusal('limit_exceeded', 'too many requests at once: wait until one of them is answered')
}
