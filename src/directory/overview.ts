// What the portal's first page shows, as the Directory knows it.
import type { HourOfActivity } from './activity.ts'
import type { LoadOfDay } from './load.ts'
import type { PersonRow } from './people.ts'
import type { RecordedEvent } from './security-events.ts'

export interface Counts {
  readonly people: number
  readonly connected: number
  /** Open at this moment, as far as has been told. */
  readonly streams: number
}

export interface Busyness extends Counts {
  readonly load: LoadOfDay
}

export interface Overview extends Busyness {
  readonly activity: readonly HourOfActivity[]
  /** Seen last. */
  readonly lately: readonly PersonRow[]
  readonly events: readonly RecordedEvent[]
}
