// What a reader of server-sent events must keep, whatever way the network cut the bytes, and what a writer must not let through.
import { describe, expect, test } from 'vitest'
import {
  encodeComment,
  encodeEvent,
  readEvents,
  SseEventTooLarge,
  SseReader,
  type SseEvent,
} from '../../../../src/mcp/sse/sse.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (encoded: Uint8Array) => new TextDecoder().decode(encoded)

function eventsOf(chunks: readonly Uint8Array[], options: { maxEventBytes?: number; comments?: boolean } = {}): SseEvent[] {
  const reader = new SseReader({ maxEventBytes: 1024, ...options })
  return chunks.flatMap((chunk) => [...reader.read(chunk)])
}

describe('an event stream is read', () => {
  test.for<[string, string, SseEvent[]]>([
    ['a message', 'event: message\nid: 7\ndata: {"a":1}\n\n', [{ event: 'message', id: '7', data: '{"a":1}' }]],
    ['lines that end in CR LF', 'id: 1\r\ndata: x\r\n\r\ndata: y\r\n\r\n', [{ id: '1', data: 'x' }, { data: 'y' }]],
    ['lines that end in CR alone', 'id: 1\rdata: x\r\rdata: y\r\r', [{ id: '1', data: 'x' }, { data: 'y' }]],
    ['data of several lines', 'data: one\ndata:\ndata: three\n\n', [{ data: 'one\n\nthree' }]],
    ['only the first space after the colon as padding', 'data:  two\ndata:none\n\n', [{ data: ' two\nnone' }]],
    ['a colon inside the value', 'data: a: b\n\n', [{ data: 'a: b' }]],
    ['a field name without a colon as an empty value', 'data\n\n', [{ data: '' }]],
    ['a priming event: an id and empty data', 'id: first\ndata: \n\n', [{ id: 'first', data: '' }]],
    ['an id without data', 'id: 9\n\n', [{ id: '9' }]],
    ['an empty id, which clears the last one', 'id\ndata: x\n\n', [{ id: '', data: 'x' }]],
    ['a reconnection time without data', 'retry: 3000\n\n', [{ retry: 3000 }]],
    ['an event name that comes with nothing else as nothing', 'event: ping\n\n', []],
    ['an id with a NUL as no id', 'id: a\0b\ndata: x\n\n', [{ data: 'x' }]],
    ['a reconnection time that is not a number as none', 'retry: 3s\nretry: -1\ndata: x\n\n', [{ data: 'x' }]],
    ['unknown and capitalised fields as nothing', 'Data: x\nfoo: y\n\n', []],
    ['blank lines between events as nothing', '\n\n\ndata: x\n\n\n\n', [{ data: 'x' }]],
    ['a byte order mark at the start as nothing', '\uFEFFdata: x\n\n', [{ data: 'x' }]],
    ['a byte order mark anywhere else as text', 'data: \uFEFFx\n\n\uFEFFdata: y\n\n', [{ data: '\uFEFFx' }]],
    ['comments as nothing', ': hello\ndata: x\n: there\n\n', [{ data: 'x' }]],
    ['an event the stream ends in as none', 'data: x\n\ndata: y\n', [{ data: 'x' }]],
  ])('%s', ([, stream, expected]) => {
    expect(eventsOf([bytes(stream)])).toEqual(expected)
  })

  test('bytes that are no UTF-8 become replacement characters and break nothing else', () => {
    const stream = new Uint8Array([...bytes('data: a'), 0xff, ...bytes('b\n\ndata: c\n\n')])
    expect(eventsOf([stream])).toEqual([{ data: 'a\uFFFDb' }, { data: 'c' }])
  })

  test('comments are delivered in their place when they are asked for', () => {
    const stream = bytes(':keep-alive\n\ndata: x\n: inside\nid: 1\n\n:\n')
    expect(eventsOf([stream], { comments: true })).toEqual([
      { comment: 'keep-alive' },
      { comment: 'inside' },
      { data: 'x', id: '1' },
      { comment: '' },
    ])
  })

  test('an event is delivered by the byte that completes it, without waiting for the second half of CR LF', () => {
    const reader = new SseReader({ maxEventBytes: 100 })
    expect([...reader.read(bytes('data: x\r\n'))]).toEqual([])
    expect([...reader.read(bytes('\r'))]).toEqual([{ data: 'x' }])
    expect([...reader.read(bytes('\ndata: y\r\n\r\n'))]).toEqual([{ data: 'y' }])
  })

  test('a chunk whose buffer is reused afterwards does not change what was read', () => {
    const reader = new SseReader({ maxEventBytes: 100 })
    const buffer = bytes('data: be')
    expect([...reader.read(buffer)]).toEqual([])
    buffer.fill(0x21)
    expect([...reader.read(bytes('fore\n\n'))]).toEqual([{ data: 'before' }])
  })
})

describe('however the bytes are cut, the events are the same', () => {
  const stream = bytes(
    '\uFEFF: hi\r\nretry: 10\r\n\r\nid: é/1\ndata: \n\n:☕\n\nevent: message\rdata: {"t":"naïve 😀"}\rdata: 二\r\rid: 2\r\ndata:x\r\n\r\n',
  )
  const expected: SseEvent[] = [
    { comment: 'hi' },
    { retry: 10 },
    { id: 'é/1', data: '' },
    { comment: '☕' },
    { event: 'message', data: '{"t":"naïve 😀"}\n二' },
    { id: '2', data: 'x' },
  ]
  const readCut = (...cuts: number[]) => {
    const edges = [0, ...cuts.sort((a, b) => a - b), stream.length]
    return eventsOf(
      edges.slice(1).map((end, i) => stream.slice(edges[i], end)),
      { comments: true },
    )
  }

  test('in no place, and after every byte', () => {
    expect(readCut()).toEqual(expected)
    expect(readCut(...stream.keys())).toEqual(expected)
  })

  test('in any one or two places', () => {
    for (let first = 0; first <= stream.length; first++)
      for (let second = first; second <= stream.length; second++) expect(readCut(first, second)).toEqual(expected)
  })

  test('in many places at once', () => {
    const random = pseudoRandom(20260728)
    for (let round = 0; round < 2000; round++) {
      const cuts = Array.from({ length: Math.floor(random() * 20) }, () => Math.floor(random() * (stream.length + 1)))
      expect(readCut(...cuts)).toEqual(expected)
    }
  })
})

test('an id too long to be sent back resets the cursor, and a type is as long as any needs', () => {
  const long = 'x'.repeat(2000)
  expect(eventsOf([bytes(`id: ${long}\nevent: ${long}\ndata: 1\n\n`)], { maxEventBytes: 10_000 })).toEqual([
    { id: '', event: long.slice(0, 1024), data: '1' },
  ])
})

describe('an event larger than allowed', () => {
  const tooLarge = expect.objectContaining({ code: 'sse_event_too_large', maxEventBytes: 12 })

  test.for<[string, string[]]>([
    ['in one line', ['data: 1234567\n\n']],
    ['in a line that never ends', ['data: 12345', '67']],
    ['in many lines', ['data: 1\n', 'data: \n', '\n']],
    ['in characters of several bytes', ['data: 😀😀\n\n']],
    ['in fields nobody knows', ['x: 12345\n', 'y: 67890\n']],
  ])('is refused: %s', ([, chunks]) => {
    expect(() => eventsOf(chunks.map(bytes), { maxEventBytes: 12 })).toThrow(tooLarge)
  })

  test('is refused only after the events before it were delivered', () => {
    const reader = new SseReader({ maxEventBytes: 12 })
    const delivered: SseEvent[] = []
    const readAll = () => {
      for (const event of reader.read(bytes('data: x\n\ndata: 1234567\n\n'))) delivered.push(event)
    }
    expect(readAll).toThrow(SseEventTooLarge)
    expect(delivered).toEqual([{ data: 'x' }])
  })

  test('is not what many small events, keep-alives or exactly the limit make', () => {
    const stream = `${': ping\n'.repeat(50)}${'data: 123456\n\n'.repeat(50)}`
    expect(eventsOf([bytes(stream)], { maxEventBytes: 12 })).toHaveLength(50)
  })
})

describe('a written event', () => {
  test.for<[string, SseEvent]>([
    ['with everything', { id: 's/4', event: 'message', retry: 1500, data: '{"jsonrpc":"2.0"}' }],
    ['that primes', { id: 'first', data: '' }],
    ['of several lines, the last one empty', { data: 'a\n b\n\n' }],
    ['without data', { id: '', retry: 0 }],
    ['beyond ASCII', { id: 'é', data: '😀\u2028\uFEFF' }],
  ])('reads back as it was: %s', ([, event]) => {
    expect(eventsOf([encodeEvent(event)])).toEqual([event])
  })

  test('reads back as it was, whatever its text', () => {
    const random = pseudoRandom(1699)
    const alphabet = ['a', ' ', ':', '\n', 'data', 'id: ', '\t', '\0', 'ü', '😀', '\uFEFF']
    const words = (count: number) =>
      Array.from({ length: count }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
    for (let round = 0; round < 2000; round++) {
      const event = { id: `${round}`, data: words(Math.floor(random() * 12)) }
      expect(eventsOf([encodeEvent(event)])).toEqual([event])
    }
  })

  test('has its carriage returns turned into line feeds, which is all the format can carry', () => {
    expect(eventsOf([encodeEvent({ data: 'a\r\nb\rc' })])).toEqual([{ data: 'a\nb\nc' }])
  })

  test.for<[string, SseEvent, string]>([
    ['an id with a line break', { id: 'a\ndata: forged', data: '' }, 'the id of an event must not contain a line break or NUL'],
    ['an id with a NUL', { id: 'a\0', data: '' }, 'the id of an event must not contain a line break or NUL'],
    ['a name with a line break', { event: 'a\r', data: '' }, 'the name of an event must not contain a line break or NUL'],
    ['half a millisecond', { retry: 0.5 }, 'the retry of an event must be a whole number of milliseconds'],
    ['a time before now', { retry: -1 }, 'the retry of an event must be a whole number of milliseconds'],
  ])('is refused with %s', ([, event, message]) => {
    expect(() => encodeEvent(event)).toThrow(message)
  })

  test('looks like this on the wire', () => {
    expect(text(encodeEvent({ id: '1', event: 'message', retry: 5, data: 'a\nb' }))).toBe(
      'id: 1\nevent: message\nretry: 5\ndata: a\ndata: b\n\n',
    )
  })
})

test('a comment is written so that no line of it can be a field', () => {
  expect(text(encodeComment('closed: credential_revoked'))).toBe(': closed: credential_revoked\n\n')
  expect(eventsOf([encodeComment('a\ndata: b')], { comments: true })).toEqual([{ comment: 'a' }, { comment: 'data: b' }])
})

describe('the events of a body', () => {
  test('come one by one, and leaving the loop cancels the body', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes('data: x\n\n')),
      cancel: () => {
        cancelled = true
      },
    })
    for await (const event of readEvents(body, { maxEventBytes: 100 })) {
      expect(event).toEqual({ data: 'x' })
      break
    }
    expect(cancelled).toBe(true)
  })

  test('end with the error the body broke with', async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes('data: x\n\ndata: ha')),
      pull: (controller) => controller.error(new Error('connection reset')),
    })
    const seen: SseEvent[] = []
    const readAll = async () => {
      for await (const event of readEvents(body, { maxEventBytes: 100 })) seen.push(event)
    }
    await expect(readAll()).rejects.toThrow('connection reset')
    expect(seen).toEqual([{ data: 'x' }])
  })

  test('an event that is too large cancels the body', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes('data: without end ')),
      cancel: () => {
        cancelled = true
      },
    })
    const readAll = async () => {
      for await (const event of readEvents(body, { maxEventBytes: 1000 })) expect(event).toBeUndefined()
    }
    await expect(readAll()).rejects.toThrow(SseEventTooLarge)
    expect(cancelled).toBe(true)
  })
})

test('an event of 200,000 lines is written as it was read', () => {
  const event = { id: '1', data: Array.from({ length: 200_000 }, (_, line) => `${line}`).join('\n') }
  expect(eventsOf([encodeEvent(event)], { maxEventBytes: 8 * 1024 * 1024 })).toEqual([event])
})

/** The same numbers on every run: a failing cut can be looked at again. */
function pseudoRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
