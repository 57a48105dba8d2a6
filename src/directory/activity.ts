// Activity: how many security events of each kind there were in each hour, for charts that cost the same however busy a day was.
//
// Layout: one row per hour and kind. Lifetime: two days. Trade-off: one more write with every event, which is on nobody's way; the
// alternative is counting up to all events again whenever somebody looks.
import { TableCapability } from '../session/store/table.ts'

export interface HourOfActivity {
  /** 0 is the oldest of the hours asked for. */
  readonly hour: number
  readonly type: string
  readonly events: number
}

const HOUR = 3_600
const KEPT_HOURS = 48

export class Activity extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'activity',
      'CREATE TABLE IF NOT EXISTS activity (hour INTEGER NOT NULL, type TEXT NOT NULL, events INTEGER NOT NULL, PRIMARY KEY (hour, type)) WITHOUT ROWID',
    )
  }

  /** `at` in unix seconds. */
  note(type: string, at: number): void {
    const hour = Math.floor(at / HOUR)
    const [row] = this.sql.exec<{ events: number }>(
      'INSERT INTO activity (hour, type, events) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET events = events + 1 RETURNING events',
      hour,
      type,
    )
    // The first of its kind in an hour is seldom enough to tidy up with.
    if (row?.events === 1) this.sql.exec('DELETE FROM activity WHERE hour <= ?', hour - KEPT_HOURS)
  }

  /** The last `hours` until now, the one that has begun included. */
  last(hours: number, now: number): readonly HourOfActivity[] {
    const first = Math.floor(now / HOUR) - hours + 1
    const query = 'SELECT hour - ?1 AS hour, type, events FROM activity WHERE hour >= ?1 ORDER BY hour'
    const rows = this.sql.exec<{ hour: number; type: string; events: number }>(query, first)
    return [...rows].filter(({ hour }) => hour < hours)
  }
}
