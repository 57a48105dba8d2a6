// Odd event streams in answer to a list of tools in 2026-07-28: with rules about tools, each is read as a client would read it.
import { expect, test } from 'vitest'
import { SseReader } from '../../../../src/mcp/sse/sse.ts'
import { HIDDEN, ODD_STREAMS } from '../../../world/odd-events.ts'
import { STAFF, startRuled } from '../ruled.ts'

const it = await startRuled()

test.for(ODD_STREAMS)('a list of tools with $name', async ({ pieces, read }) => {
  it.downstream.handleWith((_req, _body, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of pieces) res.write(piece)
    res.end()
  })
  const bytes = new Uint8Array(await (await it.broker({ tools: STAFF }).modern()).arrayBuffer())
  const { complete } = new SseReader({ maxEventBytes: bytes.length }).take(bytes)
  expect(complete.flatMap(({ data }) => data ?? [])).toEqual(read)
  expect(new TextDecoder().decode(bytes)).not.toContain(HIDDEN)
})
