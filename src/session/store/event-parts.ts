// Events that are larger than a row: a row of SQLite in a Durable Object has 2 MB at most.
//
// Layout: the beginning of an event stands in its row of `events`, what follows in rows of at most PART characters here. Lifetime:
// that of the event. Trade-off: whether there is more is seen by how long the beginning is, so that an event that fits in its row,
// as nearly all do, is neither written nor read in a second place.

/** In characters, of which UTF-8 takes three bytes at most. */
const PART = 512 * 1024

export class EventParts {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS event_parts (
      seq INTEGER NOT NULL, part INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (seq, part)) WITHOUT ROWID`)
  }

  keep(seq: number, following: readonly string[]): void {
    for (const [part, data] of following.entries())
      this.#sql.exec('INSERT INTO event_parts (seq, part, data) VALUES (?, ?, ?)', seq, part, data)
  }

  whole(seq: number, beginning: string): string {
    if (isWhole(beginning)) return beginning
    const rows = this.#sql.exec<{ data: string }>('SELECT data FROM event_parts WHERE seq = ? ORDER BY part', seq)
    return beginning + [...rows].map(({ data }) => data).join('')
  }

  drop(upTo: number): void {
    this.#sql.exec('DELETE FROM event_parts WHERE seq <= ?', upTo)
  }

  /** `mcpSessions`: their ids, as a JSON array. */
  forgetSessions(mcpSessions: string): void {
    this.#sql.exec(
      `DELETE FROM event_parts WHERE seq IN (SELECT seq FROM events
        WHERE stream IN (SELECT id FROM streams WHERE ${OF_SESSIONS}) AND length(CAST(data AS BLOB)) >= ?)`,
      mcpSessions,
      PART - 1,
    )
  }
}

/** Of `streams`: those of the sessions whose ids are bound as a JSON array. */
export const OF_SESSIONS = 'mcp_session IN (SELECT value FROM json_each(?))'

/** Also the beginning of a larger event is nearly as long as a part may be. */
export function isWhole(data: string): boolean {
  return data.length < PART - 1
}

/** A character that JavaScript keeps in two halves is not cut. */
export function inParts(data: string): readonly [string, ...string[]] {
  if (isWhole(data)) return [data]
  const end = isHighSurrogate(data.charCodeAt(PART - 1)) ? PART - 1 : PART
  const following = data.slice(end)
  return following === '' ? [data] : [data.slice(0, end), ...inParts(following)]
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00
}

/** Bytes of an event, with all its parts. */
export const BYTES_OF_EVENT = `length(CAST(data AS BLOB)) + CASE WHEN length(CAST(data AS BLOB)) < ${PART - 1} THEN 0 ELSE
  (SELECT coalesce(sum(length(CAST(parts.data AS BLOB))), 0) FROM event_parts AS parts WHERE parts.seq = events.seq) END`
