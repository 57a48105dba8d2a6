// `npm run scale -- --people 1000000 --events 10000000`: how a Directory of that size answers, from outside and one question at a time.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient } from '../world/broker-client.ts'
import { CompanyDirectory } from '../world/company-directory.ts'
import { startWorld } from '../world/world.ts'
import { bytesOf, directoryFile, seed, seedObjects } from './seed.ts'

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '1000000' },
    events: { type: 'string', default: '10000000' },
    rounds: { type: 'string', default: '20' },
    revoke: { type: 'string', default: '60' },
    objects: { type: 'string', default: '2000' },
  },
})
const [people, events, rounds] = [Number(values.people), Number(values.events), Number(values.rounds)]
const now = Math.floor(Date.now() / 1000)
const MB = 1_048_576

const dataDir = await mkdtemp(join(tmpdir(), 'broker-scale-'))
const world = await startWorld({ dataDir })
try {
  const client = await BrokerClient.register(world.brokerUrl)
  await client.signIn('alice')
  await CompanyDirectory.open(world.brokerUrl)
  await world.killRuntime()

  const file = directoryFile(dataDir)
  await timed('seeding', () =>
    seed(file, { people, events }, { issuer: world.idp.issuer, clientId: client.clientId, resource: world.mcpUrl }, now),
  )
  console.log(`the file: ${Math.round(bytesOf(file) / MB)} MB`)

  await world.restartRuntime()
  await timed(
    'first answer after a start',
    async () => await (await fetch(`${world.brokerUrl}/authorize?client_id=${client.clientId}`)).text(),
  )
  const carol = await timed('first sign-in to the pages', async () => await AdminProgram.signedIn(world.brokerUrl, 'carol'))
  const company = await CompanyDirectory.open(world.brokerUrl)
  const see = (path: string) => async (): Promise<unknown> => await carol.see(path)
  const page = (path: string) => async (): Promise<unknown> =>
    await accepted(await fetch(world.brokerUrl + path, { headers: carol.headers }))
  const scim = (path: string) => async (): Promise<unknown> => await accepted(await company.ask('GET', path))

  console.log(`\n${people} people, ${events} events${' '.repeat(20)}p50 ms  p99 ms`)
  await measured('overview (page)', page('/admin'))
  await measured('people, newest (page)', page('/admin/people'))
  await measured('people, newest (API)', see('/people'))
  await measured('search: one person', see('/people?search=alice.160016'))
  await measured('search: a common beginning', see('/people?search=alice'))
  await measured('search: one letter', see('/people?search=a'))
  await measured('search: nobody', see('/people?search=zzz'))
  await measured('events, newest', see('/events'))
  await measured('events of a type that is rare', see('/events?type=client_blocked'))
  await measured('events of a client', see(`/events?client=${client.clientId}`))
  await measured('events of a client nobody uses', see('/events?client=nobody'))
  await measured('clients (page)', page('/admin/clients'))
  await measured('confirm: disconnect everybody', page('/admin/everyone'))
  await measured('SCIM: user by name', scim('/Users?filter=userName%20eq%20%22alice.160016%40example.com%22'))
  await measured('SCIM: list, first page', scim('/Users?startIndex=1&count=100'))
  await measured('SCIM: list, last page', scim(`/Users?startIndex=${people - 99}&count=100`))
  await measured('SCIM: a group the index knows', async () => {
    const id = await company.create('Groups', { displayName: `team-${Math.floor(Math.random() * 1e9)}` })
    await accepted(await company.ask('DELETE', `/Groups/${id}`))
  })
  await measured('sign-in, all of it', async () => await client.signIn('bob'))

  await world.killRuntime()
  const objects = await timed('objects', () => seedObjects(dataDir, Number(values.objects)))
  await world.restartRuntime()
  const receipt = await timed('revoke everyone: the answer', async () => await carol.revoke({ what: 'everyone' }))
  const began = Date.now()
  const during: number[] = []
  let done = 0
  // Whom nobody made an object for costs more than in real life: with them it ends.
  while (Date.now() - began < Number(values.revoke) * 1000 && done < objects) {
    const start = performance.now()
    await carol.see('/people?search=alice.160016')
    during.push(performance.now() - start)
    if (during.length % 5 === 0) done = (await carol.receipt(receipt.id)).people.done
  }
  const each = done / ((Date.now() - began) / 1000)
  console.log(
    `revoke everyone: ${done} people in ${Math.round((Date.now() - began) / 1000)} s, ${Math.round(each)} a second: ${people} in ${Math.round(people / each / 60)} minutes`,
  )
  say('a search meanwhile', during)
} finally {
  await world.close()
  await rm(dataDir, { recursive: true, force: true })
}

async function measured(what: string, ask: () => Promise<unknown>): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now()
    await ask()
    times.push(performance.now() - start)
    // What takes seconds is known after a few.
    if (times.reduce((sum, time) => sum + time, 0) > 20_000) break
  }
  say(what, times)
}

function say(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1).padStart(7)
  console.log(`${what.padEnd(44)}${at(0.5)} ${at(0.99)}`)
}

async function timed<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  const start = performance.now()
  const result = await work()
  console.log(`${what}: ${Math.round(performance.now() - start)} ms`)
  return result
}

async function accepted(answer: Response): Promise<string> {
  const text = await answer.text()
  if (answer.status >= 300) throw new Error(`${answer.url} answered ${answer.status}: ${text.slice(0, 200)}`)
  return text
}
