// A sealed recording as the admin API gives it out, of messages that a test makes up.
import type { SealedLine } from '../../scripts/admin/sealed-recording.ts'
import { MessageSealer, type Segment } from '../../src/evidence/message-sealer.ts'
import { firstLines, linesOf } from '../../src/routes/admin/sealed-lines.ts'
import type { SealedPage, WireEntry } from '../../src/session/contract/recording.ts'
import { sealedRows } from '../../src/session/store/sealed-rows.ts'
import type { MadeKey } from './sealing-key.ts'

const FACTS = {
  at: 1_800_000_000_000,
  kind: 'exchange',
  direction: 'to_server',
  era: 'modern',
  requestId: 'r-1',
  verb: 'POST',
  grantId: 'g',
  clientId: 'c',
  method: 'tools/call',
  status: 200,
} as const

const PERSON = 'sub'
let recordings = 0

/** As small messages are kept: all of them in one block. */
export async function blockFileOf(key: MadeKey, ...seen: readonly Partial<WireEntry>[]): Promise<readonly SealedLine[]> {
  const segments: Segment[] = []
  const id = `recording ${(recordings += 1)}`
  const sealer = new MessageSealer(id, PERSON, key, (segment) => segments.push(segment))
  const told = seen.map(({ request, answer, ...more }) => ({ facts: { ...FACTS, ...more }, request, answer }))
  const { rows, parts } = await sealedRows(id, told, sealer, 0)
  const [marks = []] = await sealer.seal([{ text: '', direction: 'end' }], parts.length)
  // A block comes with the first of its entries.
  const partsOf = (at: number) => parts.filter(({ index, part }) => (part.direction === 'block' ? at === 0 : at === index))
  const entries = rows.map((row, at) => ({ ...row, number: at + 1, parts: partsOf(at).map(({ part }) => part) }))
  return linesIn(key, { entries, segments, marks, last: entries.length })
}

/** Each message by itself, as large ones are kept, and all of them were. */
export async function fileOf(key: MadeKey, ...seen: readonly Partial<WireEntry>[]): Promise<readonly SealedLine[]> {
  const segments: Segment[] = []
  const sealer = new MessageSealer(`recording ${(recordings += 1)}`, PERSON, key, (segment) => segments.push(segment))
  const entries: SealedPage['entries'][number][] = []
  let sequence = 0
  for (const [index, { request = '', ...more }] of seen.entries()) {
    const facts = { ...FACTS, ...more }
    const [parts = []] = await sealer.seal([{ text: request, direction: 'to_server', facts }], sequence)
    sequence += parts.length
    entries.push({ ...facts, sealed: { request: request.length }, number: index + 1, parts })
  }
  const [marks = []] = await sealer.seal([{ text: '', direction: 'end' }], sequence)
  return linesIn(key, { entries, segments, marks, last: entries.length })
}

function linesIn(key: MadeKey, page: SealedPage): readonly SealedLine[] {
  const kept = { ...key, createdAt: 1_800_000_000, by: 'carol' }
  return JSON.parse(JSON.stringify([...firstLines('https://broker.example', PERSON, [kept]), ...linesOf(page, new Set())]))
}
