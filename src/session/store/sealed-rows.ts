// What entries become when their messages are sealed: rows without them, and the parts that hold them.
import type { MessageSealer, SealedPart } from '../../evidence/message-sealer.ts'
import type { KeptEntry } from '../contract/recording.ts'
import type { Redacted } from './redaction.ts'

/** In characters: with more in it an entry is not worth putting together with others, of which a page may want one alone. */
const SMALL = 32 * 1024

interface SealedRows {
  readonly rows: readonly KeptEntry[]
  /** With the index of the entry they are kept for: of a block the last. */
  readonly parts: readonly { readonly index: number; readonly part: SealedPart }[]
}

/** `sequence` is the number of the first part. */
export async function sealedRows(
  recording: string,
  entries: readonly Redacted[],
  sealer: MessageSealer,
  sequence: number,
): Promise<SealedRows> {
  const last = entries.length - 1
  const items = entries.map((entry) => {
    const { request, answer } = entry
    const length = lengthOf(request) + lengthOf(answer)
    return (request !== undefined || answer !== undefined) && length <= SMALL ? entry : undefined
  })
  const block = items.some((item) => item !== undefined) ? await sealer.sealBlock(items, sequence) : undefined
  const large = entries.flatMap(({ request, answer, facts }, index) => [
    ...(request === undefined || items[index] ? [] : [{ index, text: request, direction: 'to_server', facts } as const]),
    ...(answer === undefined || items[index] ? [] : [{ index, text: answer, direction: 'to_client', facts } as const]),
  ])
  const sealed = large.length > 0 ? await sealer.seal(large, sequence + (block ? 1 : 0)) : []
  const bytes = { to_server: new Map<number, number>(), to_client: new Map<number, number>() }
  for (const [at, { index, direction }] of large.entries())
    bytes[direction].set(
      index,
      (sealed[at] ?? []).reduce((sum, { data }) => sum + data.length, 0),
    )
  // What a character takes up in the block, on the average.
  const each = block
    ? block.data.length / items.reduce((sum, item) => sum + lengthOf(item?.request) + lengthOf(item?.answer), 1)
    : 0
  const rows = entries.map(({ request, answer, facts }, index): KeptEntry => {
    const isInBlock = items[index] !== undefined
    const kept = {
      ...(request !== undefined && { request: bytes.to_server.get(index) ?? Math.ceil(request.length * each) }),
      ...(answer !== undefined && { answer: bytes.to_client.get(index) ?? Math.ceil(answer.length * each) }),
      ...(isInBlock && { block: last - index }),
    }
    return { ...facts, recording, ...((request !== undefined || answer !== undefined) && { sealed: kept }) }
  })
  const parts = sealed.flatMap((some, at) => some.map((part) => ({ index: large[at]?.index ?? 0, part })))
  return { rows, parts: [...(block ? [{ index: last, part: block }] : []), ...parts] }
}

function lengthOf(text: string | undefined): number {
  return text?.length ?? 0
}
