// What has passed, as the flight recorder's page shows it: paired, filtered, explained, and to be sent again without danger.
import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { exchangesOf, type ShownEntry } from '../../../../src/pages/portal/exchanges.ts'
import { recordingPage } from '../../../../src/pages/portal/recording.tsx'
import { curlOf, inspectorOf } from '../../../../src/pages/portal/wire-commands.ts'
import { PROBE, tagsOf } from '../hostile.ts'

const base = { era: 'modern', grantId: 'g', verb: 'POST', method: 'tools/call' } as const
const ALL = { about: '', outcome: '' }
let numbers = 0
const entry = (kind: ShownEntry['kind'], requestId: string, more: Partial<ShownEntry> = {}): ShownEntry => ({
  ...base,
  number: (numbers += 1),
  at: 1_800_000_000_000 + numbers,
  kind,
  requestId,
  ...more,
})

const PASSED: readonly ShownEntry[] = [
  entry('exchange', 'whole', { about: 'echo', status: 200, durationMs: 5, sealed: { request: 9, answer: 9 } }),
  entry('stream_opened', 'stream', { about: 'count', status: 200, requestBytes: 40, durationMs: 2, sealed: { request: 9 } }),
  entry('event', 'stream', { about: 'count', answerBytes: 9, sealed: { answer: 9 } }),
  entry('exchange', 'refused', { about: 'echo', status: 403, refusal: 'tool_not_allowed' }),
  entry('event', 'stream', { about: 'count', answerBytes: 9, sealed: { answer: 9 } }),
  entry('stream_ended', 'stream', { about: 'count', durationMs: 900, answerBytes: 70, events: 2, ended: 'ended' }),
  entry('exchange', 'failed', { about: 'echo', status: 502 }),
  entry('stream_opened', 'open', { about: 'count', status: 200 }),
  entry('stream_ended', 'left', { about: 'count', ended: 'client_left' }),
]

describe('what has passed', () => {
  test('is paired: one request with its answer or its stream, newest first', () => {
    const shown = exchangesOf(PASSED, ALL)
    expect(shown.map(({ requestId, outcome }) => [requestId, outcome])).toEqual([
      ['left', 'left'],
      ['open', 'open'],
      ['failed', 'failed'],
      ['refused', 'refused'],
      ['stream', 'answered'],
      ['whole', 'answered'],
    ])
    const stream = shown.find(({ requestId }) => requestId === 'stream')
    expect(stream).toMatchObject({ durationMs: 900, requestBytes: 40, answerBytes: 70, events: 2, sealedEntries: [2, 3, 5] })
  })

  test.for([
    [{ about: 'echo', outcome: '' }, ['failed', 'refused', 'whole']],
    [{ about: '', outcome: 'refused' }, ['refused']],
    [{ about: 'echo', outcome: 'answered' }, ['whole']],
    [{ about: 'nothing of that name', outcome: '' }, []],
  ] as const)('is filtered by %o', ([filter, expected]) => {
    expect(exchangesOf(PASSED, filter).map(({ requestId }) => requestId)).toEqual(expected)
  })

  test('says what an answer with 200 says went wrong, and is found by that', () => {
    const failed = [
      entry('exchange', 'tool', { status: 200, failure: 'tool_error' }),
      entry('exchange', 'rpc', { status: 200, failure: '-32602' }),
    ]
    expect(exchangesOf(failed, { about: '', outcome: 'failed' })).toHaveLength(2)
    expect(page(failed)).toContain('Failed (200)')
    expect(page(failed)).toContain('JSON-RPC error -32602')
  })

  test('says why something was refused, and where that is explained', () => {
    expect(page()).toContain('<a href="https://docs.example/#tool_not_allowed">tool_not_allowed</a>')
  })

  test('stays text whatever a client has put where a tool is named', () => {
    const hostile = [entry('exchange', PROBE, { about: PROBE, method: PROBE, status: 200, era: PROBE, sealed: { request: 1 } })]
    expect(page(hostile)).not.toContain(PROBE)
    expect(tagsOf(page(hostile))).not.toMatch(/<img|onerror/)
  })
})

describe('a request to be sent again', () => {
  test('is a curl with the headers of its era, without a token', () => {
    const { head, known } = curlOf({ ...base, about: 'echo' }, 'https://mcp.example.com/mcp')
    expect(head).toBe(
      `curl -N -X 'POST' 'https://mcp.example.com/mcp' -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'` +
        ` -H 'Accept: application/json, text/event-stream' -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call'` +
        ` -H 'Mcp-Name: echo' --data-raw `,
    )
    expect(known).toBe(`'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}'`)
  })

  test('is the Inspector with its method and tool, without a token', () => {
    expect(inspectorOf({ ...base, era: 'legacy', about: 'echo' }, undefined)?.head).toBe(
      `npx @modelcontextprotocol/inspector --cli "$MCP_URL" --protocol-era legacy --header "Authorization: Bearer $TOKEN"` +
        ` --method 'tools/call' --tool-name 'echo'`,
    )
    expect(inspectorOf({ ...base, method: 'sampling/createMessage' }, undefined)).toBeUndefined()
  })

  test('runs nothing that a client has put into a name', () => {
    const about = `x'; touch /tmp/pwned; echo '$(id) \`id\` "\n\u001b[2J\u202e`
    const request = { ...base, about }
    for (const command of [curlOf(request, about), inspectorOf(request, about)]) {
      const words = execFileSync('sh', ['-c', `printf '%s\\n' ${command?.head} ${command?.known}`], { encoding: 'utf8' })
      expect(words).toContain(`x'; touch /tmp/pwned; echo '$(id) \`id\` "`)
      expect(words).not.toContain('uid=')
      expect(words).not.toMatch(/\p{Cf}|(?!\n)\p{Cc}/u)
    }
  })
})

function page(entries: readonly ShownEntry[] = PASSED): string {
  return recordingPage({
    sub: 's',
    name: 'Alice',
    email: undefined,
    grants: [],
    terms: undefined,
    sealingKey: undefined,
    keptFor: 3_600,
    entries,
    filter: ALL,
    urls: new Map(),
    docsOf: (code) => `https://docs.example/#${code}`,
    csrf: 'csrf',
    complaint: undefined,
  })
}
