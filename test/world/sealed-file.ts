// A sealed recording as the admin API gives it out, of messages that a test makes up.
import type { SealedLine } from '../../scripts/admin/sealed-recording.ts'
import { MessageSealer, type Segment } from '../../src/evidence/message-sealer.ts'
import { firstLines, linesOf } from '../../src/routes/admin/sealed-lines.ts'
import type { SealedPage, WireEntry } from '../../src/session/contract/recording.ts'
import type { MadeKey } from './sealing-key.ts'

let recordings = 0

export async function fileOf(key: MadeKey, ...seen: readonly Partial<WireEntry>[]): Promise<readonly SealedLine[]> {
  const segments: Segment[] = []
  const sealer = new MessageSealer(`recording ${(recordings += 1)}`, key, (segment) => segments.push(segment))
  const entries: SealedPage['entries'][number][] = []
  let sequence = 0
  for (const [index, { request = '', ...more }] of seen.entries()) {
    const wire = { kind: 'exchange', direction: 'to_server', era: 'modern', requestId: 'r-1', verb: 'POST' } as const
    const facts = { at: 1_800_000_000_000, grantId: 'g', clientId: 'c', ...wire, method: 'tools/call', status: 200, ...more }
    const [parts = []] = await sealer.seal([{ text: request, direction: 'to_server', facts }], sequence)
    sequence += parts.length
    entries.push({ ...facts, sealed: { request: request.length }, number: index + 1, parts })
  }
  const [marks = []] = await sealer.seal([{ text: '', direction: 'end' }], sequence)
  const page = { entries, segments, marks, last: entries.length }
  const kept = { ...key, createdAt: 1_800_000_000, by: 'carol' }
  return JSON.parse(JSON.stringify([...firstLines('https://broker.example', 'sub', [kept]), ...linesOf(page, new Set())]))
}
