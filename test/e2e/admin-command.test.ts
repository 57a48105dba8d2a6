// npm run admin: the same actions from a terminal, in words for people and in JSON for programs.
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { startWorld } from '../world/world.ts'
import { type Ended, programEnds } from '../world/program.ts'

const ROOT = join(import.meta.dirname, '../..')

const the = fixture(async (closing) => {
  const world = await closing(startWorld())
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  const { token, machine } = await carol.createMachine({ name: 'Terminal', scopes: ['admin'] })
  const adminId = machine.id
  const env: Readonly<Record<string, string>> = { BROKER_URL: world.brokerUrl, ADMIN_TOKEN: token }
  return { world, carol, env, adminId }
})

/** The index is a moment behind, and asked without starting a program each time. */
async function subOf(email: string): Promise<string> {
  return await vi.waitFor(async () => await the.carol.subOf(email), { timeout: 20_000 })
}

async function admin(args: readonly string[], variables = the.env): Promise<Ended> {
  return await programEnds([join(ROOT, 'scripts/admin.ts'), ...args], variables)
}

test('an incident, from finding the person to the receipt', async () => {
  const client = await BrokerClient.register(the.world.brokerUrl, { client_name: 'Red\u001B[31m app' })
  const { accessToken } = await client.signIn('alice')
  const stream = await countForLong(the.world.mcpUrl, accessToken)
  const sub = await subOf('alice@example.com')
  expect(JSON.parse((await admin(['people', 'alice', '--json'])).out).people).toMatchObject([{ sub, name: 'Alice Archer' }])
  expect((await admin(['people', 'alice'])).out).toMatch(/^sub +kind +email[\s\S]+Alice Archer/)

  const shown = await admin(['person', sub])
  expect(shown.out).toMatch(/Alice Archer, alice@example.com[\s\S]*tools\/call count[\s\S]*signed_in/)
  expect(shown.out).not.toContain('\u001B')

  const blocked = await admin(['block', 'person', sub, '--reason', 'laptop stolen'])
  expect(blocked.out).toMatch(/^block person [\w-]{43}: done\n1 grants and 1 streams ended, 1 of 1 people asked\nreceipt /)
  expect(blocked.out).toMatch(new RegExp(`by machine Terminal \\(${the.adminId}\\) \\([\\w-]{43}\\): laptop stolen`))
  expect(await stream.endsWithin(1_000)).toBe(true)
  expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
  expect((await admin(['unblock', 'person', sub, '--reason', 'found again'])).code).toBe(0)
  expect((await admin(['receipts'])).out).toMatch(/unblock[\s\S]*found again[\s\S]*block[\s\S]*laptop stolen/)
  await expect
    .poll(async () => (await admin(['events', '--sub', sub])).out, { timeout: 5_000 })
    .toMatch(/person_unblocked[\s\S]*person_blocked/)
})

test('what was done after a backup is done again from the receipts that were written down', async () => {
  const client = await BrokerClient.register(the.world.brokerUrl)
  const { accessToken } = await client.signIn('bob')
  const sub = await subOf('bob@example.com')
  // What was done before, in this second, would be done again, too.
  await sleep(1_010 - (Date.now() % 1_000))
  const since = new Date(Math.floor(Date.now() / 1_000) * 1_000).toISOString()
  await admin(['block', 'person', sub, '--reason', 'has left'])
  const file = join(await mkdtemp(join(tmpdir(), 'broker-receipts-')), 'receipts.json')
  await writeFile(file, (await admin(['receipts', '--json'])).out)
  // As if storage had gone back to before.
  await admin(['unblock', 'person', sub, '--reason', 'restored'])
  await client.signIn('bob')

  const replayed = await admin(['replay', file, '--since', since])
  expect(replayed).toMatchObject({ code: 0, err: '' })
  expect(replayed.out).toBe('1 actions done again\n')
  const { blocked } = JSON.parse((await admin(['people', 'bob', '--json'])).out).people[0]
  expect(blocked).toBe(true)
  expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
})

test('an auditor is given what was done about a person, and checks it without the broker', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'broker-evidence-'))
  const at = (name: string): string => join(folder, name)
  const client = await BrokerClient.register(the.world.brokerUrl, { client_name: 'Notes' })
  await client.signIn('alice')
  const sub = await subOf('alice@example.com')
  const { id } = JSON.parse((await admin(['revoke', 'person', sub, '--json', '--reason', 'laptop stolen'])).out)
  await expect.poll(async () => JSON.stringify(await the.carol.see(`/events?sub=${sub}`))).toContain('person_ended')

  const head = await admin(['evidence', 'head'])
  const [, pin = ''] = /^key +(\S+) since/m.exec(head.out) ?? []
  const [, newest = ''] = /^head +(\S+)/m.exec(head.out) ?? []
  const shown = await admin(['evidence', 'person', sub, '--out', at('alice.json')])
  expect(shown).toMatchObject({ code: 0, err: '' })
  expect(shown.out).toMatch(
    /^It holds: lines 1 to \d+ of http[\s\S]*\d receipts, each signed[\s\S]*signed_in[\s\S]*revoke person: done/,
  )
  const offline = {}
  const pinned = ['--pin', pin, '--head', newest]
  expect((await admin(['verify', at('alice.json'), ...pinned], offline)).out).toMatch(/^It holds: lines 1 to/)
  const jwks = await (await fetch(`${the.world.brokerUrl}/.well-known/jwks.json`)).text()
  await writeFile(at('jwks.json'), jwks)
  await writeFile(at('receipt.json'), await (await the.carol.get(`/receipts/${id}/signed`)).text())
  const receipt = await admin(['verify', at('receipt.json'), '--jwks', at('jwks.json'), '--json'], offline)
  expect(JSON.parse(receipt.out)).toMatchObject({
    holds: 'receipt',
    issuer: the.world.brokerUrl,
    receipt: { id, why: 'laptop stolen', grants: 1 },
  })

  const bundle = JSON.parse(await readFile(at('alice.json'), 'utf8'))
  bundle.entries.pop()
  await writeFile(at('cut.json'), JSON.stringify(bundle))
  expect(await admin(['verify', at('cut.json'), ...pinned], offline)).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringMatching(/^This does not hold: line \d+ was pinned, and the lines end at/),
  })
  expect((await admin(['verify', at('alice.json')], offline)).err).toMatch(/^Whose signature counts\?/)
  expect((await admin(['evidence', 'person', sub, '--out', at('alice.json')])).err).toMatch(/is there already/)
})

test('people, clients, machines, events and receipts come into a SQLite file, and never over another', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'broker-sql-')), 'broker.sqlite')
  const client = await BrokerClient.register(the.world.brokerUrl, { client_name: 'Spreadsheet' })
  await client.signIn('alice')
  await expect.poll(async () => (await the.carol.see('/clients?search=Spreadsheet'))['clients'][0].people).toBe(1)
  const { receipt } = await the.carol.createMachine({ name: 'For SQL', scopes: ['mcp'] })
  expect(await admin(['sql-export', file])).toMatchObject({ code: 0, err: '' })
  const database = new DatabaseSync(file, { readOnly: true })
  const all = (sql: string) => database.prepare(sql).all()
  expect(all("SELECT kind FROM people WHERE email = 'alice@example.com'")).toMatchObject([{ kind: 'person' }])
  expect(all("SELECT people FROM clients WHERE name = 'Spreadsheet'")).toMatchObject([{ people: 1 }])
  expect(all(`SELECT action, targetWhat, state FROM receipts WHERE id = '${receipt.id}'`)).toMatchObject([
    { action: 'create', targetWhat: 'machine', state: 'done' },
  ])
  expect(all("SELECT count(*) AS n FROM events WHERE type = 'signed_in'")).not.toMatchObject([{ n: 0 }])
  expect(all("SELECT name FROM machines WHERE name = 'For SQL'")).toHaveLength(1)
  // Every table and column that the documents name, and no other.
  const documents = await readFile(join(ROOT, 'docs/operations/export.md'), 'utf8')
  const rows = [...documents.matchAll(/^\| `(\w+)` \| [^|]*?(?:by )?`(.+)` \| (.+) \|$/gm)]
  const documented = rows.map(([, name, key = '', more = '']) =>
    [name, ...(`${key}\`${more}`.match(/\w+(?=`)/g) ?? [])].join(' '),
  )
  const tables = all("SELECT name FROM sqlite_master WHERE type = 'table'").map(({ name }) => String(name))
  const real = tables.map((name) => [name, ...all(`PRAGMA table_info(${name})`).map((column) => column['name'])].join(' '))
  expect(real.filter((table) => !table.startsWith('about'))).toEqual(documented.filter((table) => !table?.startsWith('about')))
  database.close()
  expect((await stat(file)).mode & 0o077).toBe(0)
  const before = await readFile(file)
  expect(await admin(['sql-export', file])).toMatchObject({ code: 1, err: `${file} is there already\n` })
  expect((await readFile(file)).equals(before)).toBe(true)
})

test('a machine credential is created and works; revoking everyone ends it, and the credential that did it', async () => {
  const created = await admin(['machine', 'create', '--name', 'Report', '--owner', 'Ops', '--days', '1', '--reason', 'nightly'])
  const [token = ''] = /tok_[\w-]+/.exec(created.out) ?? []
  expect(await statusWith(the.world.mcpUrl, token)).toBe(200)
  expect((await admin(['machines'])).out).not.toContain(token)
  const waited = await admin(['revoke', 'client', 'pub_nobody', '--reason', 'to be sure'])
  expect(waited.out).toMatch(/^revoke client pub_nobody: done\n0 grants/)

  const { token: own } = await the.carol.createMachine({ name: 'Last', scopes: ['admin'] })
  const everyone = await admin(['revoke', 'everyone', '--no-wait', '--json', '--reason', 'a drill'], {
    ...the.env,
    ADMIN_TOKEN: own,
  })
  const { id } = JSON.parse(everyone.out)
  // Everybody is everybody: who was signed in to the pages and did not do this is signed out of them too.
  expect((await the.carol.get('/session')).status).toBe(401)
  const again = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
  await expect.poll(() => again.receipt(id), { timeout: 10_000 }).toMatchObject({ state: 'done', people: { failing: 0 } })
  expect(await statusWith(the.world.mcpUrl, token)).toBe(401)
  const after = await admin(['people'])
  expect([after.code, after.out, after.err]).toEqual([1, '', expect.stringMatching(/^Refused \(401 invalid_token\): /)])
})

test.for<[string, readonly string[], Readonly<Record<string, string>>, RegExp]>([
  ['an unknown command', ['destroy'], {}, /^There is no command destroy/],
  ['no reason', ['revoke', 'everyone'], {}, /^--reason TEXT is missing/],
  ['nobody named', ['revoke', 'person', '--reason', 'x'], {}, /^SUB is missing/],
  ['nothing that can be revoked', ['revoke', 'world', '--reason', 'x'], {}, /^What should be revoked\?/],
  ['no credential', ['people'], { ADMIN_TOKEN: '' }, /^The environment variable ADMIN_TOKEN is missing/],
  ['no broker', ['people'], { BROKER_URL: 'http://127.0.0.1:1' }, /^http:\/\/127\.0\.0\.1:1 does not answer/],
])('%s is a sentence and not a stack', async ([, args, variables, sentence]) => {
  const { code, err } = await admin(args, { ...the.env, ...variables })
  expect([code, err]).toEqual([1, expect.stringMatching(sentence)])
  expect(err).not.toContain('    at ')
})
