// A sealed recording as a file: JSON Lines, with all that whoever knows the passphrase needs to read it, on whatever machine.
import { base64url } from 'jose'
import type { SealedPart } from '../../evidence/message-sealer.ts'
import type { SealingKey } from '../../evidence/sealing-key.ts'
import type { SealedPage } from '../../session/contract/recording.ts'

/** The first lines: what it is, and the keys with their private halves, wrapped. */
export function firstLines(broker: string, person: string, keys: readonly SealingKey[]): readonly object[] {
  const wrapped = keys.map(({ fingerprint, key, wrapped: copies, createdAt }) => ({
    type: 'key',
    fingerprint,
    key,
    wrapped: copies,
    createdAt,
  }))
  return [{ type: 'recording', format: 'mcp-session-broker recording 1', broker, person }, ...wrapped]
}

/** An entry, then its parts, and before them the segments nobody has been told of; the marks stand at the end. */
export function linesOf({ entries, segments, marks }: SealedPage, told: Set<string>): readonly object[] {
  const lines: object[] = []
  const tell = (entry: number | undefined, parts: readonly SealedPart[]): void => {
    for (const { data, ...part } of parts) {
      const segment = told.has(part.segment) ? undefined : segments.find(({ id }) => id === part.segment)
      if (segment) lines.push({ type: 'segment', ...segment })
      told.add(part.segment)
      lines.push({ type: 'part', entry, ...part, data: base64url.encode(data) })
    }
  }
  for (const { parts, ...entry } of entries) {
    lines.push({ type: 'entry', ...entry })
    tell(entry.number, parts)
  }
  tell(undefined, marks)
  return lines
}
