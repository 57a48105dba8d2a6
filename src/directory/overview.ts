// What the portal's first page shows, as the Directory knows it.
import type { Activity, HourOfActivity } from './activity.ts'
import type { LoadOfDay } from './load.ts'
import type { People, PersonRow } from './people.ts'
import type { SealingKeys } from './sealing-keys.ts'
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
  /** The sealing key in use, where it took the place of another these days: who made it, and when. */
  readonly replacement: { readonly createdAt: number; readonly by: string; readonly byName?: string | undefined } | undefined
}

const DAY_HOURS = 24
const PEOPLE_SHOWN = 8
const EVENTS_SHOWN = 50
const REPLACEMENT_SHOWN_FOR = 7 * 86_400

/** `now` in unix seconds. */
export function overviewOf(
  {
    activity,
    events,
    people,
    sealingKeys,
  }: {
    readonly activity: Activity
    readonly events: SecurityEvents
    readonly people: People
    readonly sealingKeys: SealingKeys
  },
  busyness: Busyness,
  now: number,
): Overview {
  const lately = people.page('', undefined).people.slice(0, PEOPLE_SHOWN)
  const [newest, before] = sealingKeys.all
  const replacement = before && newest && newest.createdAt > now - REPLACEMENT_SHOWN_FOR ? newest : undefined
  return {
    ...busyness,
    activity: activity.last(DAY_HOURS, now),
    lately,
    events: events.page({ most: EVENTS_SHOWN }),
    replacement,
  }
}
