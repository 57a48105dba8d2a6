// What the portal's first page shows, as the Directory knows it.
import type { Activity, HourOfActivity } from './activity.ts'
import type { LoadOfDay } from './load.ts'
import type { People, PersonRow } from './people.ts'
import type { RecordedEvent, SecurityEvents } from './security-events.ts'

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

const DAY_HOURS = 24
const PEOPLE_SHOWN = 8
const EVENTS_SHOWN = 50

/** `now` in unix seconds. */
export function overviewOf(
  { activity, events, people }: { readonly activity: Activity; readonly events: SecurityEvents; readonly people: People },
  busyness: Busyness,
  now: number,
): Overview {
  const lately = people.page('', undefined).people.slice(0, PEOPLE_SHOWN)
  return { ...busyness, activity: activity.last(DAY_HOURS, now), lately, events: events.page({ most: EVENTS_SHOWN }) }
}
