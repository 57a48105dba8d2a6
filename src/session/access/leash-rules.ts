// When the router may open a leash: admission was another call, so what it said must still hold, and there must be room for one more stream.
import { isAllowed } from './allowed.ts'
import { isFull } from './downstream-room.ts'
import type { LeashOptions } from '../streams/leashes.ts'
import type { SessionContext } from '../session-context.ts'

export function leashRules(
  started: () => SessionContext | undefined,
): Pick<LeashOptions, 'grantIsLive' | 'mayOpen' | 'isNewest'> {
  return {
    grantIsLive(grantId) {
      const parts = started()
      const grant = parts?.grants.live(grantId, parts.now())
      return parts !== undefined && grant !== undefined && isAllowed(parts, grant)
    },
    mayOpen(grantId) {
      const parts = started()
      if (!parts) return false
      const { leashes, grants } = parts
      return !isFull(parts, grants.find(grantId)?.resource, leashes.count, () => leashes.open().map((stream) => stream.grantId))
    },
    isNewest: ({ streamId, epoch }) => epoch === undefined || epoch === started()?.log.epochOf(streamId),
  }
}
