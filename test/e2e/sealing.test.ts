// Sealed recordings from the first key to a lost passphrase, in a real browser and on the command line; and that no server ever learns what opens them.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compactDecrypt, decodeJwt } from 'jose'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { AdminProgram, pagesCookie } from '../world/administrator.ts'
import { BrokerClient, callTool } from '../world/broker-client.ts'
import { ROOT } from '../world/bundle.ts'
import { barriersOf, BROWSER_TESTS_RUN, launchChromium } from '../world/chromium.ts'
import { textsIn } from '../world/disk.ts'
import { fixture } from '../world/fixture.ts'
import { openAs } from '../world/portal-visit.ts'
import { foundInMemory, MEMORY_IS_READABLE } from '../world/process-memory.ts'
import { type Ended, programEnds } from '../world/program.ts'
import { makeSealingKey, readSealed } from '../world/sealing-key.ts'
import { startWorld } from '../world/world.ts'

/** Keys are derived here, on purpose slowly. */
const LONG_ENOUGH = { timeout: 30_000 } as const
const FIRST = 'winter otters juggle seventeen lamps'
const SECOND = 'quiet maps under 43 orange bridges'
const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script>\u202Egnp'
const LONG = 'long '.repeat(800_000)

describe.runIf(BROWSER_TESTS_RUN)('attack 130: a sealed recording', () => {
  const the = fixture(async (closing, onEnd) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'broker-sealing-'))
    onEnd(() => rm(dataDir, { recursive: true, force: true }))
    const world = await closing(startWorld({ dataDir, overrides: { ADMIN_EMAILS: 'carol@example.com,bob@example.com' } }))
    const alice = await (await BrokerClient.register(world.brokerUrl)).signIn('alice')
    const browser = await closing(launchChromium())
    const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
    const { token } = await carol.createMachine({ scopes: ['admin'] })
    // What opens it, as the journey has it at its end, and what is public of that.
    const known = { secrets: new Array<string>(), fingerprints: new Array<string>() }
    return { known, world, dataDir, browser, alice, carol, token }
  })

  test('is opened by its passphrase, old and new, and by the kit, and by nothing else', async () => {
    const { page, complaints } = await openAs('carol', the.browser, `${the.world.brokerUrl}/admin/sealing-key`)
    const sent: string[] = []
    page.on('request', (request) => sent.push(request.url(), JSON.stringify(request.headers()), request.postData() ?? ''))

    // First-time set-up.
    expect(await page.textContent('h1')).toBe('First-time set-up')
    expect(await made(page, 'Password123456', 'first set-up')).toBe('The passphrase is too easy to guess.')
    expect(await made(page, FIRST, 'first set-up', `${FIRST}?`)).toBe('The two passphrases are not the same.')
    expect(await made(page, FIRST, '')).toBe('Say why: the receipt and the event log keep it.')
    const first = await newKey(page, FIRST, 'first set-up')
    expect(await page.innerText('#current-fingerprint')).toBe(first.fingerprint)

    // Record.
    const here = `${the.world.brokerUrl}/admin/people/${sub()}/recording`
    await page.goto(here)
    await page.check('#bodies')
    await page.fill('#reason', 'looking for a bug')
    await page.click('#start-recording')
    await page.waitForSelector('#stop-recording')
    const statuses = [await said(HOSTILE), await said(LONG)]
    await expect.poll(async () => await page.locator('[data-entry]').count(), LONG_ENOUGH).toBe(2)
    expect(await page.content()).not.toContain('onerror')
    const person = await openAs('alice', the.browser, `${the.world.brokerUrl}/account`)
    expect(await person.page.innerText('#recording')).toMatch(/is recording .* sealed .* until \d{4}-/)

    // A wrong passphrase, then the right one.
    await opened(page, `${FIRST}!`)
    expect(await page.innerText('#reader-status')).toBe('Wrong passphrase or recovery code: no key was opened.')
    await opened(page, FIRST)
    expect(await page.innerText('#reader-status')).toContain(first.fingerprint)
    expect(await shown(page)).toContain('<img src=x onerror=alert(1)><script>alert(2)</script>\\u{202e}gnp')
    expect(await shown(page)).toContain(`"jsonrpc":"2.0"`)
    expect(await page.locator('.message img, .message script').count()).toBe(0)
    expect(await barriersOf(page)).toEqual([])

    // Whole, and told so once it is closed.
    await the.carol.post(`/recordings/${sub()}/stop`, { reason: 'found it' })
    expect(await saved(page)).toEqual({ status: '2 entries, whole: nothing was removed or changed.', whole: true })

    // Rotation, and a lost passphrase: what was recorded before opens with the kit of then.
    await page.goto(`${the.world.brokerUrl}/admin/sealing-key`)
    const second = await newKey(page, SECOND, 'somebody has left')
    expect(second.fingerprint).not.toBe(first.fingerprint)
    await page.goto(here)
    await opened(page, first.code.toLowerCase())
    expect(await page.innerText('#reader-problems')).toContain(`This does not open the key in use, ${second.fingerprint}`)
    expect(await shown(page)).toContain('onerror=alert(1)')

    await commandLine(first)
    await secondAdministrator(second, page, here)
    await nobodyElse()
    expect(complaints).toEqual([])
    expect(statuses).toEqual([200, 200])

    // The wire, the disk and the log.
    const { secrets, fingerprints } = the.known
    fingerprints.push(first.fingerprint, second.fingerprint)
    secrets.push(
      ...(await secretsOf([
        [FIRST, first],
        [SECOND, second],
      ])),
    )
    const files = await textsIn(the.dataDir)
    const everything = [...sent, ...files, JSON.stringify(the.world.logs)]
    const wanted = [...secrets, ...secrets.flatMap(spelled)]
    expect(wanted.filter((secret) => everything.some((text) => text.includes(secret)))).toEqual([])
    expect(files.filter((text) => text.includes('onerror=alert(1)'))).toEqual([])
  }, 180_000)

  test.skipIf(!MEMORY_IS_READABLE)('and the broker’s memory holds nothing that opens it', async () => {
    const { secrets, fingerprints } = the.known
    expect(secrets).toHaveLength(10)
    // The fingerprints are public, and there: so what was looked at is the memory.
    expect(await foundInMemory(the.world.pid ?? 0, [...fingerprints, ...secrets])).toEqual(fingerprints)
  })

  async function said(message: string): Promise<number> {
    const answer = await callTool(the.world.mcpUrl, the.alice.accessToken, { arguments: { message } })
    await answer.text()
    return answer.status
  }

  /** With the passphrase of then, from the broker; and with the code of the kit, from a file. */
  async function commandLine({ fingerprint, code }: Kit): Promise<void> {
    const file = join(the.dataDir, 'recording.sealed.jsonl')
    await writeFile(file, await (await the.carol.get(`/recordings/${sub()}/sealed`)).text())
    const [read, offline] = await Promise.all([
      recording([sub(), '--fingerprint', fingerprint], FIRST),
      recording(['--file', file, '--recovery'], code, {}),
    ])
    await rm(file)
    expect(read).toMatchObject({ code: 0, err: expect.stringContaining(`Sealed to the key ${fingerprint}`) })
    expect(read.out).toContain(LONG)
    expect(offline).toMatchObject({ code: 0, out: read.out })
  }

  async function recording(
    args: readonly string[],
    secret: string,
    env: NodeJS.ProcessEnv = { BROKER_URL: the.world.brokerUrl, ADMIN_TOKEN: the.token },
  ): Promise<Ended> {
    return await programEnds([join(ROOT, 'scripts/admin.ts'), 'recording', ...args], env, `${secret}\n`)
  }

  /** Bob may do what carol may; he has no passphrase, so what he is given are ciphertexts. */
  async function secondAdministrator({ fingerprint }: Kit, page: Page, here: string): Promise<void> {
    const bob = await AdminProgram.signedIn(the.world.brokerUrl, 'bob')
    const file = await (await bob.get(`/recordings/${sub()}/sealed`)).text()
    expect(file).not.toContain('onerror')
    const { keys } = await bob.see('/sealing-keys')
    const [{ key, wrapped }] = keys
    expect(keys.map((one: { fingerprint: string }) => one.fingerprint)).toContain(fingerprint)
    const again = await bob.post('/sealing-key', { key, wrapped, replaces: null, reason: 'first?' })
    expect([again.status, await again.json()]).toMatchObject([409, { error: 'sealing_key_changed' }])
    // A key of his own opens nothing that was recorded before, and nobody can miss whose it is.
    const his = await makeSealingKey({ passphrase: 'known to bob alone 5' })
    await bob.act('/sealing-key', { key: his.key, wrapped: his.wrapped, replaces: fingerprint, reason: 'mine' })
    const { entries } = await readSealed(await (await bob.get(`/recordings/${sub()}/sealed`)).text(), his)
    expect(entries.map(({ request }) => request)).toEqual([undefined, undefined])
    const { events } = await the.carol.see('/events?type=sealing_key_replaced')
    expect(events[0]).toMatchObject({ actorName: 'bob@example.com', reason: 'mine' })
    await page.goto(here)
    expect(await page.innerText('#key-origin')).toMatch(/by bob@example.com .*, in the place of another key/)
    const seen = { bodies: true, minutes: 5, fingerprint, reason: 'with the key I know' }
    expect((await the.carol.post(`/recordings/${sub()}`, seen)).status).toBe(409)
  }

  /** An ordinary person gets nothing, and a machine of administrators puts no key in place. */
  async function nobodyElse(): Promise<void> {
    const stranger = new AdminProgram(the.world.brokerUrl, { cookie: await pagesCookie(the.world.brokerUrl, 'alice') })
    for (const path of ['/sealing-key', '/sealing-keys', `/recordings/${sub()}/sealed`])
      expect((await stranger.get(path)).status).toBe(403)
    const { keys } = await the.carol.see('/sealing-keys')
    const [{ fingerprint, key, wrapped }] = keys
    const machine = new AdminProgram(the.world.brokerUrl, { authorization: `Bearer ${the.token}` })
    const refused = await machine.post('/sealing-key', { key, wrapped, replaces: fingerprint, reason: 'mine now' })
    expect([refused.status, await refused.json()]).toMatchObject([403, { error: 'forbidden' }])
  }

  /** Passphrases, codes and private halves. */
  async function secretsOf(kits: readonly (readonly [string, Kit])[]): Promise<readonly string[]> {
    const { keys } = await the.carol.see('/sealing-keys')
    const privateHalves = await Promise.all(
      kits.map(async ([passphrase, { fingerprint }]) => {
        const found = keys.find((key: { fingerprint: string }) => key.fingerprint === fingerprint)
        const options = { maxPBES2Count: 600_000, keyManagementAlgorithms: ['PBES2-HS512+A256KW'] }
        const { plaintext } = await compactDecrypt(found.wrapped.passphrase, new TextEncoder().encode(passphrase), options)
        return String(JSON.parse(new TextDecoder().decode(plaintext)).d)
      }),
    )
    const plain = kits.flatMap(([passphrase, { code }]) => [passphrase, code, code.replaceAll('-', '')])
    return [...plain, ...privateHalves.flatMap((d) => [d, Buffer.from(d, 'base64url').toString('latin1')])]
  }

  function sub(): string {
    return decodeJwt(the.alice.accessToken).sub ?? ''
  }
})

/** As somebody might send or store it. */
function spelled(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'latin1')
  return [encodeURIComponent(secret), bytes.toString('base64url'), bytes.toString('hex')]
}

interface Kit {
  readonly code: string
  readonly fingerprint: string
}

async function made(page: Page, passphrase: string, reason: string, again = passphrase): Promise<string> {
  await page.fill('#key-passphrase', passphrase)
  await page.fill('#key-again', again)
  await page.fill('#key-reason', reason)
  await page.click('#key-make')
  await page.waitForSelector('#key-make:not([disabled])', { state: 'attached' })
  return await page.innerText('#key-status')
}

async function newKey(page: Page, passphrase: string, reason: string): Promise<Kit> {
  await made(page, passphrase, reason)
  await page.waitForSelector('#kit')
  expect(await barriersOf(page)).toEqual([])
  const [code, fingerprint] = [await page.innerText('#kit-code'), await page.innerText('#kit-fingerprint')]
  await page.fill('#kit-typed', 'WRONG')
  await page.click('#kit-save')
  expect(await page.innerText('#kit-status')).toContain('not the last five characters')
  await page.fill('#kit-typed', code.slice(-5).toLowerCase())
  await page.click('#kit-save')
  await page.waitForSelector('#kit-saved')
  await page.click('#kit-saved a[href="/admin/sealing-key"]')
  await page.waitForSelector('#current')
  return { code, fingerprint }
}

async function opened(page: Page, secret: string): Promise<void> {
  await page.fill('#reader-secret', secret)
  await page.click('#reader-open')
  await expect.poll(() => page.innerText('#reader-status'), LONG_ENOUGH).toMatch(/^(?:Wrong|Open:)/)
}

/** What stands under the details of the first entry, once its messages are there. */
async function shown(page: Page): Promise<string> {
  const entry = page.locator('tr[data-entry="1"]')
  if ((await entry.locator('details[open]').count()) === 0) await entry.locator('summary').click()
  await entry.locator('.message').first().waitFor()
  return await entry.innerText()
}

/** What is saved by the page, and whether the message of four megabytes is in it. */
async function saved(page: Page): Promise<{ readonly status: string; readonly whole: boolean }> {
  await page.click('#reader-export')
  await expect.poll(() => page.innerText('#reader-status'), LONG_ENOUGH).toContain('entries')
  const status = await page.innerText('#reader-status')
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#reader-file')])
  const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n')
  const entries = lines.map((line) => JSON.parse(line))
  return { status, whole: entries.some(({ request = '', answer = '' }) => request.includes(LONG) && answer.includes(LONG)) }
}
