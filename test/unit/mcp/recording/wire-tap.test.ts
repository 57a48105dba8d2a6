// What a recording says of an answer without keeping it: how long it was, and whether it says that something went wrong.
import { describe, expect, test } from 'vitest'
import { notingBytes, wholeResponse } from '../../../../src/mcp/downstream/whole-answer-bytes.ts'
import { WireTap, type Tapped } from '../../../../src/mcp/recording/wire-tap.ts'
import type { WireEntry } from '../../../../src/session/contract/recording.ts'

const TAPPED: Tapped = {
  era: 'modern',
  grantId: 'g',
  clientId: 'c',
  requestId: 'r',
  verb: 'POST',
  label: 'tools/call echo',
  body: new TextEncoder().encode('{"jsonrpc":"2.0"}'),
  startedAt: 0,
}
const JSON_TYPE = { headers: { 'content-type': 'application/json' } }
const TOOL_ERROR = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}'
const RPC_ERROR = '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such tool"}}'
const FINE = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\\"isError\\":true,\\"error\\":1"}]}}'

async function seen(answer: Response, bodies = false): Promise<readonly WireEntry[]> {
  const entries: WireEntry[] = []
  const tap = new WireTap(TAPPED, { bodies, until: Infinity }, async (some) => void entries.push(...some))
  await tap.answered(answer).text()
  return entries
}

/** As it is made while somebody looks. */
async function whole(bytes: Uint8Array): Promise<Response> {
  return await notingBytes(async () => wholeResponse(bytes, JSON_TYPE))
}

describe('an answer with 200', () => {
  test.for<[string, string, string | undefined]>([
    ['of a tool that failed says so', TOOL_ERROR, 'tool_error'],
    ['that is a JSON-RPC error says its code', RPC_ERROR, '-32602'],
    ['that only speaks of errors is none', FINE, undefined],
  ])('%s', async ([, message, failure]) => {
    const events = `event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: ${message}\n\n`
    const stream = new Response(events, { headers: { 'content-type': 'text/event-stream' } })
    const bytes = new TextEncoder().encode(message)
    for (const entries of [await seen(await whole(bytes)), await seen(stream)]) {
      expect(entries.at(-1)?.failure).toBe(failure)
      expect(JSON.stringify(entries)).not.toMatch(/no such tool|content/)
    }
    expect((await seen(new Response(message, JSON_TYPE), true))[0]).toMatchObject({
      answer: message,
      ...(failure && { failure }),
    })
  })

  test('that is there whole is passed on as it is, and counted', async () => {
    const answer = await whole(new TextEncoder().encode(FINE))
    const entries: WireEntry[] = []
    const tap = new WireTap(TAPPED, { bodies: true, until: Infinity }, async (some) => void entries.push(...some))
    expect(tap.answered(answer)).toBe(answer)
    expect(entries).toMatchObject([{ kind: 'exchange', requestBytes: 17, answerBytes: FINE.length, answer: FINE }])
  })
})
