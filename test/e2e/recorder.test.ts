// The flight recorder in the real world: on for whom it was switched on, in the words of the wire, without a secret, and off for everybody else.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { Browser } from '../world/browser.ts'
import { BrokerClient, callTool, countForLong, type Tokens } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { issuedTokens } from '../world/issued-tokens.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { makeSealingKey, readSealed } from '../world/sealing-key.ts'
import { startWorld } from '../world/world.ts'

interface Entry {
  readonly number: number
  readonly kind: string
  readonly [field: string]: unknown
}

const KEY = await makeSealingKey()

const the = fixture(async (closing, onEnd) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'broker-recorder-'))
  onEnd(() => rm(dataDir, { recursive: true, force: true }))
  // In this mode the provider's own tokens travel to the downstream, whose `whoami` says them.
  const world = await closing(startWorld({ dataDir, overrides: { DOWNSTREAM_AUTH: 'idp-token' } }))
  const client = await BrokerClient.register(world.brokerUrl)
  const alice = await client.signIn('alice')
  const carol = new Browser()
  const [form] = (await carol.get(`${world.brokerUrl}/admin`)).forms
  if (!form) throw new Error('nobody asks carol to sign in')
  await carol.submit(form, { person: 'carol' })
  const admin = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  // Before there was a sealing key.
  const early = await Promise.all([
    admin.post(`/recordings/${sub(alice)}`, { bodies: true, minutes: 5, reason: 'too early' }),
    admin.get('/sealing-key'),
  ])
  const { key, wrapped } = KEY
  await admin.act('/sealing-key', { key, wrapped, replaces: null, reason: 'first set-up' })
  return { world, dataDir, client, alice, carol, admin, early }
})

describe('while it is on', () => {
  beforeEach(async () => {
    await record({ bodies: false, minutes: 5 })
  })

  test('modern calls have an entry that their request id finds, on a lease too', async () => {
    const asked = { arguments: { message: 'not to be kept' } }
    // So many that the isolate has a lease, and is not asking for each.
    for (let number = 0; number < 8; number += 1) {
      const answer = await callTool(the.world.mcpUrl, the.alice.accessToken, asked)
      await answer.text()
      const entry = await entryOf(answer.headers.get('x-request-id'))
      const call = { kind: 'exchange', direction: 'to_server', era: 'modern', clientId: the.client.clientId, verb: 'POST' }
      expect(entry).toMatchObject({ ...call, method: 'tools/call', about: 'echo', status: 200, durationMs: expect.any(Number) })
      expect(Number(entry['requestBytes'])).toBeGreaterThan(100)
      expect(JSON.stringify(entry)).not.toContain('not to be kept')
    }
  })

  test('a legacy session has entries for its calls, its streams and what was refused', async () => {
    const legacy = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
    const call = await legacy.call('echo', { message: 'legacy' })
    await call.text()
    expect(await entryOf(call.headers.get('x-request-id'))).toMatchObject({
      era: 'legacy',
      method: 'tools/call',
      about: 'echo',
      status: 200,
    })

    const standing = await fetch(the.world.mcpUrl, { headers: { ...legacy.headers(), accept: 'text/event-stream' } })
    const id = standing.headers.get('x-request-id')
    expect(await entryOf(id)).toMatchObject({ kind: 'stream_opened', verb: 'GET', status: 200 })

    await legacy.delete()
    expect(await entryOf(id, 'stream_ended')).toMatchObject({ ended: 'ended', events: expect.any(Number) })
    await standing.body?.cancel()

    const lost = await legacy.post({ jsonrpc: '2.0', id: 9, method: 'tools/list' }, { 'mcp-session-id': 'of nobody' })
    await lost.text()
    expect(await entryOf(lost.headers.get('x-request-id'))).toMatchObject({ status: 404, refusal: 'session_not_found' })
  })

  test('a stream has an entry at its begin and one at its end, with events and bytes', async () => {
    const leave = new AbortController()
    const stream = await countForLong(the.world.mcpUrl, the.alice.accessToken, leave.signal)
    await stream.untilSaid('"progress":4')
    leave.abort()
    const opened = await vi.waitUntil(async () => (await entries()).findLast(({ kind }) => kind === 'stream_opened'), 10_000)
    expect(opened).toMatchObject({ method: 'tools/call', about: 'count', status: 200 })
    const ended = await entryOf(String(opened['requestId']), 'stream_ended')
    expect(ended).toMatchObject({ ended: 'client_left' })
    expect(Number(ended['events'])).toBeGreaterThanOrEqual(4)
    expect(Number(ended['answerBytes'])).toBeGreaterThan(200)
  })

  test('a refusal says why, also when the person’s object was never asked', async () => {
    await (await callTool(the.world.mcpUrl, the.alice.accessToken)).text()
    const answer = await callTool(the.world.mcpUrl, the.alice.accessToken, { headers: { 'mcp-name': 'another' } })
    expect(answer.status).toBe(400)
    await answer.text()
    expect(await entryOf(answer.headers.get('x-request-id'))).toMatchObject({ status: 400, refusal: 'header_mismatch' })
  })

  test('the person’s own page and the events say so, with who and why', async () => {
    const { live } = await the.admin.see(`/people/${sub()}`)
    expect(live.recording).toMatchObject({ bodies: false, byName: 'carol@example.com' })
    await vi.waitUntil(async () =>
      textOf(`/events?sub=${sub()}&type=recording_started`).then((text) => text.includes('looking for a bug')),
    )
  })

  test('it is read as JSON from where one was, and as JSON Lines', async () => {
    const answer = await callTool(the.world.mcpUrl, the.alice.accessToken)
    await answer.text()
    await entryOf(answer.headers.get('x-request-id'))
    const all = await entries()
    const last = all.at(-1)?.number ?? 0
    expect(await the.admin.see(`/recordings/${sub()}?after=${last}`)).toMatchObject({ entries: [], last })
    const lines = (await textOf(`/recordings/${sub()}?format=jsonl`)).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).number)).toEqual(all.map(({ number }) => number))
  })
})

test('without a sealing key there are no messages, and whoever asks for it is told so', async () => {
  for (const answer of the.early)
    expect([answer.status, await answer.clone().json()]).toMatchObject([409, { error: 'no_sealing_key' }])
  const { fingerprint, key } = KEY
  expect(await the.admin.see('/sealing-key')).toMatchObject({ fingerprint, key, byName: 'carol@example.com' })
})

test('a recording with messages is refused while another key is in use than the one that was seen', async () => {
  const asked = { bodies: true, minutes: 5, fingerprint: 'A'.repeat(43), reason: 'looking for a bug' }
  const answer = await the.admin.post(`/recordings/${sub()}`, asked)
  expect([answer.status, await answer.json()]).toMatchObject([409, { error: 'sealing_key_changed' }])
})

test('56. a canary secret is never in the recording, whoever says it', async () => {
  await record({ bodies: true, minutes: 5 })
  const password = 'canary-password-1'
  const second = await the.client.signIn('alice')
  const legacy = await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)
  const canaries = {
    access_token: 'canary-opaque-2',
    nested: { client_secret: 'canary-secret-3' },
    password,
    note: `Bearer ${second.accessToken}`,
  }
  const answers = [
    await callTool(the.world.mcpUrl, the.alice.accessToken, { tool: 'whoami', arguments: {} }),
    await callTool(the.world.mcpUrl, the.alice.accessToken, { arguments: { message: JSON.stringify(canaries), ...canaries } }),
    await callTool(the.world.mcpUrl, the.alice.accessToken, {
      arguments: { message: `${'x'.repeat(16_000)} ${second.refreshToken}` },
    }),
    await callTool(the.world.mcpUrl, the.alice.accessToken, { tool: second.refreshToken.slice(0, 150) }),
    await legacy.call('whoami'),
    await legacy.call('echo', { message: JSON.stringify(canaries) }),
  ]
  for (const answer of answers) {
    await answer.text()
    await entryOf(answer.headers.get('x-request-id'))
  }
  const recorded = JSON.stringify((await readAll()).entries)
  expect(recorded).toContain('"about":"whoami"')
  expect(recorded).toContain('[redacted]')
  expect(issuedTokens(the.dataDir).length).toBeGreaterThan(3)
  const secrets = [
    ...issuedTokens(the.dataDir),
    the.alice.accessToken,
    the.alice.refreshToken,
    second.accessToken,
    second.refreshToken,
  ]
  expect(secrets.filter((secret) => recorded.includes(secret))).toEqual([])
  expect(recorded).not.toMatch(/canary|eyJ[\w-]{6}/)
  // Downstream and client have seen them: it was the recorder that took them out.
  expect(the.world.downstream.requests.all.some(({ body }) => body.includes(password))).toBe(true)
})

test('it covers one client where one was named, and is off for everybody when it was stopped', async () => {
  const other = await (await BrokerClient.register(the.world.brokerUrl)).signIn('alice')
  await record({ bodies: false, minutes: 5, grantId: grantOf(the.alice) })
  const before = (await entries()).at(-1)?.number ?? 0
  await (await callTool(the.world.mcpUrl, other.accessToken)).text()
  const mine = await callTool(the.world.mcpUrl, the.alice.accessToken)
  await mine.text()
  await entryOf(mine.headers.get('x-request-id'))
  expect((await entries()).filter(({ number }) => number > before)).toHaveLength(1)

  expect(await (await the.admin.post(`/recordings/${sub()}/stop`, { reason: 'found it' })).json()).toEqual({ stopped: true })
  const last = (await entries()).at(-1)?.number
  await (await callTool(the.world.mcpUrl, the.alice.accessToken)).text()
  await (await LegacyClient.open(the.world.mcpUrl, the.alice.accessToken)).call('echo', { message: 'off' })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect((await entries()).at(-1)?.number).toBe(last)
  expect((await the.admin.see(`/people/${sub()}`))['live'].recording).toBeUndefined()
})

test('a person’s page leads to a switch and to what has passed, without a script', async () => {
  const here = `${the.world.brokerUrl}/admin/people/${sub()}`
  expect((await the.carol.get(here)).text).toContain(`href="/admin/people/${sub()}/recording"`)
  const [start] = (await the.carol.get(`${here}/recording`)).forms.filter(({ fields }) => fields.some(([name]) => name === 'do'))
  if (!start) throw new Error('there is no switch')
  expect(await the.carol.submit(start, { grantId: '', minutes: '5', reason: '' })).toMatchObject({ status: 400 })
  const on = await the.carol.submit(start, { grantId: '', minutes: '5', reason: 'to look' })
  expect(on).toMatchObject({ status: 200, url: `${here}/recording` })
  expect(on.text).toContain('Switched on by <bdi>carol@example.com</bdi>')
  const answer = await callTool(the.world.mcpUrl, the.alice.accessToken, { tool: '<b>seen</b>', arguments: {} })
  await answer.text()
  await entryOf(answer.headers.get('x-request-id'))
  const now = await the.carol.get(`${here}/recording/now`)
  expect(now.text).toContain(String(answer.headers.get('x-request-id')))
  expect(now.text).toContain('&lt;b&gt;seen')
  const [stop] = on.forms.filter(({ fields }) => fields.some(([name, value]) => name === 'do' && value === 'stop'))
  if (!stop) throw new Error('it can not be stopped')
  expect((await the.carol.submit(stop)).text).toContain('Start recording')
})

describe('55. the admin API of the recorder is closed to', () => {
  test.for<[string, () => Promise<number>]>([
    ['nobody in particular', async () => (await fetch(`${the.world.brokerUrl}/admin/api/recordings/${sub()}`)).status],
    ['a client', async () => await statusOf({ authorization: `Bearer ${the.alice.accessToken}` })],
    [
      'an administrator’s browser without the token of the session',
      async () => await statusOf({ cookie: the.admin.headers['cookie'] ?? '' }),
    ],
    ['another site', async () => await statusOf({ ...the.admin.headers, origin: 'https://evil.example' })],
  ])('%s', async ([, status]) => {
    expect([401, 403]).toContain(await status())
  })
})

async function statusOf(headers: Record<string, string>): Promise<number> {
  const body = JSON.stringify({ bodies: true, minutes: 5, reason: 'curious' })
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }
  return (await fetch(`${the.world.brokerUrl}/admin/api/recordings/${sub()}`, init)).status
}

function sub({ accessToken }: Tokens = the.alice): string {
  return decodeJwt(accessToken).sub ?? ''
}

function grantOf({ accessToken }: Tokens): string {
  return String(decodeJwt(accessToken)['gid'])
}

async function textOf(path: string): Promise<string> {
  return await (await the.admin.get(path)).text()
}

async function record(asked: { bodies: boolean; minutes: number; grantId?: string }): Promise<void> {
  const answer = await the.admin.post(`/recordings/${sub()}`, { ...asked, reason: 'looking for a bug' })
  expect(answer).toMatchObject({ status: 201 })
}

async function entries(): Promise<readonly Entry[]> {
  return (await textOf(`/recordings/${sub()}?format=jsonl`))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

async function readAll() {
  return await readSealed(await textOf(`/recordings/${sub()}/sealed`), KEY)
}

/** The router tells it after the answer. */
async function entryOf(requestId: string | null, kind?: string): Promise<Entry> {
  return await vi.waitUntil(
    async () =>
      (await entries()).find((entry) => entry['requestId'] === requestId && (kind === undefined || entry.kind === kind)),
    5_000,
  )
}
