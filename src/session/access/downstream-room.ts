// Whether a person may open one more stream: of each kind there are so many in all, and at a downstream with a limit of its own so many there.
import type { SessionContext } from '../session-context.ts'
import { downstreamFor } from '../../settings/downstreams.ts'

/** `grantsOfOpen` is asked only where there is a limit: most downstreams have none. */
export function isFull(
  { settings, grants }: Pick<SessionContext, 'settings' | 'grants'>,
  resource: string | undefined,
  open: number,
  grantsOfOpen: () => readonly string[],
): boolean {
  if (open >= settings.limits.maxStreams) return true
  const most = downstreamFor(settings, resource)?.limits?.streams
  return most !== undefined && grantsOfOpen().filter((grantId) => grants.find(grantId)?.resource === resource).length >= most
}
