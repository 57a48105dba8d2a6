// npm run soak:signals -- --rounds 20 --streams 100 --flood 10000: how soon streams are silent after a signal, by every door, and what a flood does.
//
// Each round opens so many streams of one person, sends one signal, and measures from the sending to the last byte; the answer has to come
// after it. Then replayed, malformed and foreign signals are sent: none may have an effect or meet a 5xx, nothing may grow, and keys may be
// fetched once in 30 seconds. Ends with 1 where any of that is broken.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { CompanyDirectory } from '../world/company-directory.ts'
import { PEOPLE } from '../world/people.ts'
import { OktaOrg, revocation } from '../world/signal-sender.ts'
import { CAEP, SignalTransmitter } from '../world/signal-transmitter.ts'
import { newPair, signedJwt } from '../world/signed.ts'
import { startWorld } from '../world/world.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    streams: { type: 'string', default: '100' },
    flood: { type: 'string', default: '10000' },
  },
})
const [rounds, streams, flood] = [values.rounds, values.streams, values.flood].map(Number)
const LATEST_MS = 100
/** The bytes were on their way before the answer was; what reads them here may be a turn late. */
const A_TURN_MS = 50

const okta = await OktaOrg.start()
const pushing = await SignalTransmitter.start('okta')
const signals = { revocation_issuer: okta.issuer, transmitter: pushing.issuer }
const world = await startWorld({ overrides: { OAUTH_SIGNALS: JSON.stringify(signals), RATE_LIMIT_REQUESTS: '1000000' } })
const faults: string[] = []
try {
  const client = await BrokerClient.register(world.brokerUrl)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  await carol.post('/signals/oauth/stream', { reason: 'a soak' })
  const url = `${world.brokerUrl}/global-token-revocation`
  const clientId = world.vars['OAUTH_CLIENT_ID'] ?? ''
  const alice = { format: 'iss_sub', iss: world.idp.issuer, sub: PEOPLE.alice.sub }
  const event = (changes: object = {}) => ({ ...pushing.claims(`${CAEP}session-revoked`, alice), ...changes })
  const logout = async (changes: object = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const claims = { iss: world.idp.issuer, aud: clientId, iat: now, exp: now + 120, jti: randomUUID(), sub: alice.sub, events }
    return await world.idp.signLogoutToken({ ...claims, ...changes })
  }
  const told = async (token: string) => {
    const body = new URLSearchParams({ logout_token: token })
    return await fetch(`${world.brokerUrl}/backchannel-logout`, { method: 'POST', body })
  }

  const directory = await CompanyDirectory.open(world.brokerUrl)
  const user = await directory.create('Users', { userName: 'alice', externalId: PEOPLE.alice.sub })
  const setActive = async (active: boolean): Promise<Response> =>
    await directory.ask('PATCH', `/Users/${user}`, { Operations: [{ op: 'replace', value: { active } }] })

  const doors: Readonly<Record<string, () => Promise<number>>> = {
    'back-channel logout': async () => (await told(await logout())).status,
    'Global Token Revocation': async () => (await okta.revoke(url, clientId, { sub_id: alice })).status,
    'Shared Signals': async () => (await pushing.push(pushing.signed(event()))).status,
    SCIM: async () => (await setActive(false)).status,
  }
  for (const [door, send] of Object.entries(doors)) {
    const took: number[] = []
    const seen: number[] = []
    for (let round = 0; round < Number(rounds); round += 1) {
      const { accessToken } = await client.signIn('alice')
      const open = await Promise.all(Array.from({ length: Number(streams) }, () => countForLong(world.mcpUrl, accessToken)))
      const sentAt = Date.now()
      const status = await send()
      const answeredAt = Date.now()
      await Promise.all(open.map((stream) => stream.ended))
      const last = Math.max(...open.map(({ endedAt = Infinity }) => endedAt))
      seen.push(last - sentAt)
      const { receipts } = await carol.see('/receipts')
      took.push(receipts[0].signal.silentAt - receipts[0].signal.receivedAt)
      if (receipts[0].streams !== Number(streams)) faults.push(`${door}: the receipt says ${receipts[0].streams} streams`)
      if (status >= 400) faults.push(`${door}: answered ${status}`)
      if (door === 'SCIM') await setActive(true)
      if (last - answeredAt > A_TURN_MS) faults.push(`${door}: answered ${last - answeredAt} ms before the last byte`)
    }
    const inside = `p50 ${at(took, 0.5)} ms, p99 ${at(took, 0.99)} ms by the receipts`
    const outside = `p50 ${at(seen, 0.5)} ms, p99 ${at(seen, 0.99)} ms as clients on the same machine saw it`
    console.log(`${door}: ${streams} streams silent after ${inside}, ${outside}, over ${rounds} rounds`)
    if (at(took, 0.99) > LATEST_MS) faults.push(`${door}: p99 is ${at(took, 0.99)} ms`)
  }

  const strangers = newPair()
  const used = {
    revocation: signedJwt(okta.pair, okta.revocationClaims(url, clientId)),
    event: pushing.signed(event()),
    logout: await logout(),
  }
  await revocation(url, used.revocation, { sub_id: alice })
  await pushing.push(used.event)
  await told(used.logout)
  // From here on nothing that is sent may end anything.
  const { accessToken } = await client.signIn('alice')
  const bad: readonly (() => Promise<{ readonly status: number }>)[] = [
    () => revocation(url, used.revocation, { sub_id: alice }),
    () =>
      revocation(url, signedJwt({ ...strangers, kid: randomUUID() }, okta.revocationClaims(url, clientId)), { sub_id: alice }),
    () => okta.revoke(url, clientId, { sub_id: { ...alice, iss: 'https://foreign.example' } }),
    () => revocation(url, 'nonsense', '{'),
    () => pushing.push(signedJwt({ ...strangers, kid: randomUUID() }, event(), { typ: 'secevent+jwt' })),
    () => pushing.push(pushing.signed(event({ aud: 'https://foreign.example' }))),
    () => pushing.push('nonsense'),
    () => pushing.push(used.event),
    () => pushing.push(pushing.signed(event()), { authorization: 'Bearer guessed' }),
    () => told('nonsense'),
    () => told(used.logout),
  ]
  const before = { okta: okta.calls.keys, pushing: pushing.calls.keys, at: Date.now() }
  const statuses = new Map<number, number>()
  for (let sent = 0; sent < Number(flood); sent += 50)
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        const { status } = (await bad[(sent + n) % bad.length]?.()) ?? { status: 0 }
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }),
    )
  const windows = Math.ceil((Date.now() - before.at) / 30_000) + 1
  const fetched = { okta: okta.calls.keys - before.okta, pushing: pushing.calls.keys - before.pushing }
  console.log(
    `a flood of ${flood}: answers ${JSON.stringify([...statuses])}, keys fetched`,
    fetched,
    `in ${windows} windows of 30 s`,
  )
  if ([...statuses.keys()].some((status) => status >= 500 || status === 204))
    faults.push('the flood met a 5xx, or ended something')
  if (Math.max(fetched.okta, fetched.pushing) > windows) faults.push('keys were fetched more than once in 30 seconds')
  if ((await statusWith(world.mcpUrl, accessToken)) !== 200) faults.push('the flood has ended the access of somebody')
} finally {
  await world.close()
  await Promise.all([okta.close(), pushing.close()])
}
for (const fault of faults) console.log(fault)
process.exitCode = faults.length > 0 ? 1 : 0

function at(times: readonly number[], part: number): number {
  const inOrder = times.toSorted((one, other) => one - other)
  return inOrder[Math.min(inOrder.length - 1, Math.floor(inOrder.length * part))] ?? Infinity
}
