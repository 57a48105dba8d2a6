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
      // With the first of its entries on a page comes a block that the page before may have had, too.
      const name = `${part.recording} ${part.sequence}`
      if (part.direction === 'block' && told.has(name)) continue
      if (part.direction === 'block') told.add(name)
      const segment = told.has(part.segment) ? undefined : segments.find(({ id }) => id === part.segment)
      if (segment) lines.push({ type: 'segment', ...segment })
      told.add(part.segment)
      lines.push({ type: 'part', entry, ...part, data: base64url.encode(data) })
    }
  }
  for (const { parts, ...entry } of entries) {
    lines.push({ type: 'entry', ...entry })
    const blockEnds = entry.number + (entry.sealed?.block ?? 0)
    tell(blockEnds, parts.filter(isBlock))
    tell(
      entry.number,
      parts.filter((part) => !isBlock(part)),
    )
  }
  tell(undefined, marks)
  return lines
}

function isBlock({ direction }: SealedPart): boolean {
  return direction === 'block'
}
