// The SSE reader: the same events however the bytes are cut, the same data as another reader finds, and what is written is read again.
import { deepStrictEqual } from 'node:assert/strict'
import { createParser } from 'eventsource-parser'
import * as fc from 'fast-check'
import { encodeEvent, SseReader, type SseEvent } from '../../src/mcp/sse/sse.ts'
import { fuzzTarget, hostileText } from './target.ts'

const MOST = 64 * 1024
const WORDS = [
  'data: ',
  'data:',
  'data',
  'id: 1',
  'id:',
  'event: message',
  'event: ping',
  'retry: 10',
  'retry: x',
  ': c',
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  '\0',
  '\uFEFF',
  '{"jsonrpc":"2.0"}',
  'é',
  '😀',
  '\u2028',
]

const streams = fc.record({
  text: hostileText(WORDS, 40),
  cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
})

const written = fc.record(
  {
    id: fc.string({ unit: 'binary', maxLength: 10 }).filter((id) => !/[\r\n\0]/.test(id) && id.isWellFormed()),
    data: fc.string({ unit: 'binary', maxLength: 60 }).filter((data) => data.isWellFormed()),
    retry: fc.nat(100_000),
  },
  { requiredKeys: ['data'] },
)

export const sseReader = fuzzTarget(
  'SSE reader',
  streams,
  ({ text, cuts }) => {
    const bytes = new TextEncoder().encode(text)
    const whole = eventsIn([bytes])
    const pieces = eventsIn(cut(bytes, cuts))
    deepStrictEqual(pieces, whole, 'a stream cut in pieces has other events than the whole one')
    deepStrictEqual(messagesOf(whole), messagesOfPeer(text), 'another reader finds other messages')
  },
  [
    { name: 'lines of one event', prepare: (size) => read('data: x\n'.repeat(size / 8)) },
    { name: 'one long line', prepare: (size) => read(`data: ${'x'.repeat(size)}\n\n`) },
    { name: 'one byte a chunk', prepare: (size) => readByByte(`data: ${'x'.repeat(size)}\n\n`) },
    { name: 'line ends alone', prepare: (size) => read('\r\n'.repeat(size / 2)) },
    { name: 'comments', prepare: (size) => read(': c\n'.repeat(size / 4)) },
    { name: 'fields of no meaning', prepare: (size) => read('xyz: 1\n'.repeat(size / 7)) },
  ],
)

export const sseWriter = fuzzTarget('SSE writer', written, (event) => {
  const [read1, ...more] = eventsIn([encodeEvent(event)])
  const data = event.data.replaceAll(/\r\n|\r/g, '\n')
  deepStrictEqual([read1, more.length], [{ ...event, data }, 0], 'what was written is read as something else')
})

function eventsIn(chunks: readonly Uint8Array[], most = MOST): readonly SseEvent[] {
  const reader = new SseReader({ maxEventBytes: most })
  return chunks.flatMap((chunk) => [...reader.take(chunk).complete])
}

/** Those that a client would dispatch: with data, by the standard. */
function messagesOf(events: readonly SseEvent[]): unknown[] {
  return events.flatMap(({ event, data }) => (data === undefined ? [] : [[event ?? '', data]]))
}

function messagesOfPeer(text: string): unknown[] {
  const found: unknown[] = []
  // Ours takes NUL out of the type of an event: it could not be written again.
  const parser = createParser({ onEvent: ({ event = '', data }) => found.push([event.replaceAll('\0', '\uFFFD'), data]) })
  // It is given what a decoder gives, and that has taken the byte order mark away.
  parser.feed(text.replace(/^\uFEFF/, ''))
  // It waits for the other half of a line end.
  if (text.endsWith('\r')) parser.feed('\n')
  return found
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set(cuts.map((share) => Math.floor(share * bytes.length)))].sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, index) => bytes.slice(index === 0 ? 0 : ends[index - 1], end))
}

function read(text: string): () => unknown {
  const bytes = new TextEncoder().encode(text)
  return () => eventsIn([bytes], Number.MAX_SAFE_INTEGER)
}

function readByByte(text: string): () => unknown {
  const chunks = [...new TextEncoder().encode(text)].map((byte) => Uint8Array.of(byte))
  return () => eventsIn(chunks, Number.MAX_SAFE_INTEGER)
}
