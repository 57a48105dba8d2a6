// An answer of the downstream on its way from the object to the client: whichever way it takes between the two, no byte changes.
import { expect, test } from 'vitest'
import { Flights } from '../../../../src/mcp/object/flights.ts'
import { HeldBodies } from '../../../../src/mcp/object/held-body.ts'
import { wholeAnswer } from '../../../../src/mcp/object/whole-answer.ts'
import { handOver, type LegacyForwarding } from '../../../../src/mcp/router/dispatch.ts'
import { bytesIn, notingBytes } from '../../../../src/mcp/downstream/whole-answer-bytes.ts'
import { ownTimer } from '../../../../src/platform/deadlines.ts'
import { caller, orderOf } from '../brokered.ts'

const forwarding: LegacyForwarding = {
  passage: { era: 'legacy', kind: 'request', id: '1' },
  target: 'https://server.example/mcp',
  client: new Request('https://mcp.example.com/mcp', { method: 'POST' }),
  body: undefined,
  caller,
  requestIds: ['1'],
  requestId: 'r',
  label: 'tools/call',
  person: 'person',
}

/** What the client gets of this body, and whether it travelled in a header. */
async function passed(bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string>, status = 200) {
  let isShort = false
  const answer = await handOver(forwarding, {
    fetch: async (url, init) => {
      const held = {
        abort: new AbortController(),
        order: orderOf(new Request(url, init)),
        answersRequest: true,
        bodies: new HeldBodies(
          new Flights(),
          () => undefined,
          () => 0,
        ),
        bytes: undefined,
        operation: undefined,
        deadline: ownTimer,
      }
      const length = { ...headers, 'content-length': String(bytes.length) }
      const made = await notingBytes(() =>
        wholeAnswer(new Response(bytes, { status, headers: length }), headers, held, undefined),
      )
      isShort = made.body === null
      expect(bytesIn(made)).toEqual(bytes)
      return made
    },
    openGet: () => Promise.reject(new Error('is not asked')),
    append: () => Promise.reject(new Error('is not asked')),
  })
  return { isShort, answer, bytes: new Uint8Array(await answer.arrayBuffer()) }
}

const utf8 = new TextEncoder()
const json = { 'content-type': 'application/json' }

test.for<[string, Uint8Array, Record<string, string>, boolean]>([
  ['of text', utf8.encode('{"jsonrpc":"2.0","id":1,"result":{"text":"caf\u00e9 \ud83d\ude42 \u2028\u0000"}}'), json, true],
  ['that begins with a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), json, true],
  ['that is no text', new Uint8Array([0x7b, 0xff, 0xc3, 0x28, 0x7d]), json, false],
  ['of no bytes', new Uint8Array(), json, true],
  ['that is long', utf8.encode(`"${'a'.repeat(4 * 1024)}"`), json, false],
  ['of no type', utf8.encode('{}'), {}, false],
])('an answer %s', async ([, body, headers, travelsInHeader]) => {
  const { isShort, answer, bytes } = await passed(new Uint8Array(body), headers)
  expect([isShort, bytes]).toEqual([travelsInHeader, new Uint8Array(body)])
  expect([answer.status, Object.fromEntries(answer.headers)]).toEqual([200, headers])
})

test('an error keeps its status', async () => {
  const { answer, isShort } = await passed(new Uint8Array(utf8.encode('{"error":1}')), json, 418)
  expect([answer.status, isShort]).toEqual([418, true])
})
