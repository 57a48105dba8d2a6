// Calls in which a legacy server has asked something, and whose client does not come back: ended by the time, and by the end of the grant.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, test, vi, type MockInstance } from 'vitest'
import { refusalIn } from '../../src/mcp/dispatch/dispatch-header.ts'
import { TRANSLATION_HEADER } from '../../src/mcp/dispatch/translation-order.ts'
import { headerJson } from '../../src/platform/header-json.ts'
import { answerOf, toldAbout, withdrawIn } from './asking-server.ts'
import { at, eachBeginsAt } from './clock.ts'
import { caller, CHALLENGE, IDENTITY, nobody, NOW, REDIRECT_URI, rowsOf, type Session } from './person.ts'
import { countingRows } from './rows-read.ts'

const RESOURCE = 'http://localhost:8788/servers/asking/mcp'
const FIVE_MINUTES = 300
/** Of a server, after the last call it could ask something in. */
const HEARD_FOR_MS = 30_000

eachBeginsAt(() => NOW)
afterEach(() => void vi.restoreAllMocks())

async function signedIn(session: Session) {
  const issued = await session.signIn({
    identity: IDENTITY,
    tokens: { accessToken: 'idp access', idToken: 'said who it is' },
    grant: { clientId: 'client-a', clientName: 'Client', resource: RESOURCE, scopes: ['mcp'] },
    redirectUri: REDIRECT_URI,
    codeChallenge: CHALLENGE,
  })
  if (typeof issued === 'string') throw new Error(issued)
  const { jti, grantId } = issued
  await session.redeem({ jti, grantId, redirectUri: REDIRECT_URI, codeChallenge: CHALLENGE })
  return { ...caller({ jti, grantId, clientId: 'client-a' }), resource: RESOURCE }
}

type Caller = Awaited<ReturnType<typeof signedIn>>

async function called(session: Session, by: Caller, name: string, more: object = {}) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  }
  const order = { caller: by, requestId: 'r', label: `tools/call ${name}`, id: '1' }
  const answer = await session.fetch('https://session/mcp', {
    method: 'POST',
    headers: { 'content-type': 'application/json', [TRANSLATION_HEADER]: headerJson(order) },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, ...more, _meta } }),
  })
  const refusal = refusalIn(answer)
  if (refusal) throw refusal
  const { result, error }: { result?: { requestState: string; resultType: string }; error?: { data: unknown } } =
    await answer.json()
  return { status: answer.status, result, error }
}

const parked = async (session: Session): Promise<number> => (await rowsOf(session))['parked_calls']?.length ?? 0

/** A call whose client has been asked, and the state it could come back with. */
async function asked(name: string, session = nobody()) {
  const by = await signedIn(session)
  const { result } = await called(session, by, name)
  expect(result?.resultType).toBe('input_required')
  expect(await parked(session)).toBe(1)
  return {
    session,
    by,
    state: result?.requestState,
    again: { inputResponses: { q1: { action: 'accept' } }, requestState: result?.requestState },
  }
}

/** Runs what was set for five minutes from now, in the object that has set it. */
function whenTimeIsUp(session: Session, timers: MockInstance<typeof setTimeout>): Promise<void> {
  const [late] = timers.mock.calls.findLast(([, ms]) => ms === FIVE_MINUTES * 1000) ?? []
  if (!late) throw new Error('nothing was set for five minutes')
  return runInDurableObject(session, () => late())
}

const GIVEN_UP = ['{"action":"cancel"}', 'cancelled: Nobody answered in time']

test('a client that never comes back is given up after five minutes: the server is answered, and its call cancelled', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const { session, by, again } = await asked('never')
  expect(await toldAbout('never')).toEqual([])
  at(NOW + FIVE_MINUTES)
  await whenTimeIsUp(session, timers)
  await vi.waitFor(async () => expect(await toldAbout('never')).toEqual(GIVEN_UP))
  expect((await called(session, by, 'never', again)).error?.data).toMatchObject({ reason: 'expired' })
  expect(await parked(session)).toBe(0)
  // The session goes on, and so do other calls in it.
  expect((await called(session, by, 'never-2')).result?.resultType).toBe('input_required')
})

test('a client that comes back in the last second is let on, and one a second later is not', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const { session, by, again } = await asked('last')
  at(NOW + FIVE_MINUTES)
  expect((await called(session, by, 'last', again)).error?.data).toMatchObject({ reason: 'expired' })
  at(NOW + FIVE_MINUTES - 1)
  const going = called(session, by, 'last', again)
  await vi.waitFor(async () => expect(await toldAbout('last')).toEqual(['{"action":"accept"}']))
  // Whoever was answered is not given up as well.
  await whenTimeIsUp(session, timers)
  expect(await toldAbout('last')).toEqual(['{"action":"accept"}'])
  await answerOf('last')
  expect((await going).result?.resultType).toBe('complete')
})

test('an answer that came while nobody waited is handed out, and then nothing keeps the server listened to', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const rests = (): number => timers.mock.calls.filter(([, ms]) => ms === HEARD_FOR_MS).length
  const { session, by, again } = await asked('early')
  await answerOf('early')
  expect(rests()).toBe(0)
  expect((await called(session, by, 'early', again)).result?.resultType).toBe('complete')
  expect(rests()).toBe(1)
})

test('a grant that ends by its age ends the call too: at the server its connection is closed, and nothing is left', async () => {
  const { session, by, again } = await asked('aged')
  const ends = (await rowsOf(session))['grants']?.[0]?.['ends_at']
  await runDurableObjectAlarm(session)
  at(Number(ends) + 1)
  while ((await parked(session)) > 0) expect(await runDurableObjectAlarm(session)).toBe(true)
  await vi.waitFor(async () => expect(await toldAbout('aged')).toEqual(['DELETE']))
  const rows = await rowsOf(session)
  expect([rows['parked_calls'], rows['legacy_servers'], rows['mcp_sessions'], rows['bridged_sessions']]).toEqual([[], [], [], []])
  await expect(called(session, by, 'aged', again)).rejects.toMatchObject({ code: 'credential_revoked' })
})

test('calls that wait at one server leave others room to ask: the ninth does not wait', async () => {
  const { session, by } = await asked('many')
  for (let n = 2; n <= 8; n += 1) expect((await called(session, by, `many-${n}`)).result?.resultType).toBe('input_required')
  expect((await called(session, by, 'many-9')).error?.data).toMatchObject({ code: 'not_translatable' })
  expect(await parked(session)).toBe(8)
})

test('134 a server that withdraws what it has not asked has no row read for it', async () => {
  const { session } = await asked('withdrawn')
  const rows = await countingRows(session)
  await withdrawIn('withdrawn')
  await vi.waitFor(async () => expect(await toldAbout('withdrawn')).toEqual(['{}']))
  expect(rows()).toBeLessThan(20)
})
