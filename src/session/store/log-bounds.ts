// How much the event log keeps: of whatever there is more, the oldest goes.
import type { Settings } from '../../settings/settings.ts'

export interface LogBounds {
  readonly events: number
  readonly bytes: number
  /** Seconds. */
  readonly age: number
}

export function boundsOf({ logEvents, logBytes, logAge }: Settings['limits']): LogBounds {
  return { events: logEvents, bytes: logBytes, age: logAge }
}
