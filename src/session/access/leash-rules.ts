// When the router may open a leash: admission was another call, so what it said must still hold, and there must be room for one more stream.
import { isAllowed } from './allowed.ts'
import { isFull } from './downstream-room.ts'
import type { LeashOptions } from '../streams/leashes.ts'
import type { SessionContext } from '../session-context.ts'

export function leashRules(
  started: () => Pick<SessionContext, 'checks' | 'grants' | 'leashes' | 'now' | 'profile' | 'settings' | 'log'> | undefined,
): Pick<LeashOptions, 'grantIsLive' | 'isConfirmed' | 'mayOpen' | 'isNewest'> {
  return {
    isConfirmed() {
      const context = started()
      return context !== undefined && !context.checks.isUnconfirmed(context.now())
    },
    grantIsLive(grantId) {
      const context = started()
      const grant = context?.grants.live(grantId, context.now())
      return context !== undefined && grant !== undefined && isAllowed(context, grant)
    },
    mayOpen(grantId) {
      const context = started()
      if (!context) return false
      const { leashes, grants } = context
      return !isFull(context, grants.find(grantId)?.resource, leashes.count, () => leashes.open().map((stream) => stream.grantId))
    },
    isNewest: ({ streamId, epoch }) => epoch === undefined || epoch === started()?.log.epochOf(streamId),
  }
}
