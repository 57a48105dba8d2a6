// Sealed recordings from the first key to a lost passphrase, in a real browser and on the command line; and that no server ever learns what opens them.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compactDecrypt, decodeJwt } from 'jose'
import type { Browser, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, callTool, type Tokens } from '../world/broker-client.ts'
import { ROOT } from '../world/bundle.ts'
import { BROWSER_TESTS_RUN, launchChromium, photograph, picturesOf } from '../world/chromium.ts'
import { textsIn } from '../world/disk.ts'
import { forEveryTry } from '../world/each-try.ts'
import { LONG_ENOUGH, openAs } from '../world/portal-visit.ts'
import { foundInMemory } from '../world/process-memory.ts'
import { startWorld, type World } from '../world/world.ts'

const PICTURES = picturesOf('sealing')
const FIRST = 'winter otters juggle seventeen lamps'
const SECOND = 'quiet maps under 43 orange bridges'
const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script>\u202Egnp'
const LONG = 'long '.repeat(800_000)

describe.runIf(BROWSER_TESTS_RUN)('attack 130: a sealed recording', () => {
  let world: World
  let dataDir: string
  let browser: Browser
  let alice: Tokens
  let carol: AdminProgram
  let token: string

  forEveryTry(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'broker-sealing-'))
    world = await startWorld({ dataDir })
    alice = await (await BrokerClient.register(world.brokerUrl)).signIn('alice')
    browser = await launchChromium()
    carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
    ;({ token } = await carol.createMachine({ scopes: ['admin'] }))
    return async () => {
      await browser?.close()
      await world?.close()
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  test('is opened by its passphrase, old and new, and by the kit, and by nothing else', async () => {
    const { page, complaints } = await openAs('carol', browser, `${world.brokerUrl}/admin/sealing-key`)
    const sent: string[] = []
    page.on('request', (request) => sent.push(request.url(), JSON.stringify(request.headers()), request.postData() ?? ''))

    // First-time set-up.
    expect(await page.textContent('h1')).toBe('First-time set-up')
    expect(await photograph(page, PICTURES, '1-first-time-set-up')).toEqual([])
    expect(await made(page, 'Password123456', 'first set-up')).toBe('The passphrase is too easy to guess.')
    expect(await made(page, FIRST, 'first set-up', `${FIRST}?`)).toBe('The two passphrases are not the same.')
    expect(await made(page, FIRST, '')).toBe('Say why: the receipt and the event log keep it.')
    const first = await newKey(page, FIRST, 'first set-up', '2-kit')
    expect(await page.innerText('#current-fingerprint')).toBe(first.fingerprint)
    expect(await photograph(page, PICTURES, '3-sealing-key')).toEqual([])

    // Record.
    const here = `${world.brokerUrl}/admin/people/${sub()}/recording`
    await page.goto(here)
    await page.check('#bodies')
    await page.fill('#reason', 'looking for a bug')
    await page.click('#start-recording')
    await page.waitForSelector('#stop-recording')
    const [short, whole] = [await said(HOSTILE), await said(LONG)]
    await expect.poll(async () => await page.locator('[data-entry]').count(), { timeout: 10_000 }).toBe(2)
    expect(await page.content()).not.toContain('onerror')
    const person = await openAs('alice', browser, `${world.brokerUrl}/account`)
    expect(await person.page.innerText('#recording')).toMatch(/is recording .* sealed .* until \d{4}-/)

    // A wrong passphrase, then the right one.
    await opened(page, `${FIRST}!`)
    expect(await page.innerText('#reader-status')).toBe('Wrong passphrase or recovery code: no key was opened.')
    await opened(page, FIRST)
    expect(await page.innerText('#reader-status')).toContain(first.fingerprint)
    await page.click(`tr[data-entry="1"] summary`)
    await page.waitForSelector('tr[data-entry="1"] .message')
    const shown = await page.innerText('tr[data-entry="1"]')
    expect(shown).toContain('<img src=x onerror=alert(1)><script>alert(2)</script>\\u{202e}gnp')
    expect(shown).toContain(`"jsonrpc":"2.0"`)
    expect(await page.locator('.message img, .message script').count()).toBe(0)
    expect(await photograph(page, PICTURES, '4-read')).toEqual([])

    // Whole, and told so once it is closed.
    expect(await saved(page)).toMatchObject({ status: expect.stringContaining('Not everything'), whole: true })
    await page.click('#stop-recording')
    await page.waitForSelector('#start-recording')
    await opened(page, FIRST)
    expect(await saved(page)).toMatchObject({ status: '2 entries, whole: nothing was removed or changed.', whole: true })

    // Rotation, and a lost passphrase: what was recorded before opens with the old passphrase, and with the old kit.
    await page.goto(`${world.brokerUrl}/admin/sealing-key`)
    const second = await newKey(page, SECOND, 'somebody has left')
    expect(second.fingerprint).not.toBe(first.fingerprint)
    expect(await photograph(page, PICTURES, '5-replaced')).toEqual([])
    for (const secret of [FIRST, first.code.toLowerCase()]) {
      await page.goto(here)
      await opened(page, secret)
      expect(await page.innerText('#reader-problems')).toContain(`This does not open the key in use, ${second.fingerprint}`)
      expect(await saved(page)).toMatchObject({ whole: true })
    }
    await page.goto(here)
    await opened(page, second.code)
    expect(await saved(page)).toMatchObject({ whole: false, problems: expect.stringContaining(first.fingerprint) })

    await commandLine(first)
    await nobodyElse()
    expect(complaints).toEqual([])

    // The wire, the disk, the log and the memory.
    const secrets = await secretsOf([
      [FIRST, first],
      [SECOND, second],
    ])
    const everything = [...sent, ...(await textsIn(dataDir)), JSON.stringify(world.logs)]
    expect(secrets.filter((secret) => everything.some((text) => text.includes(secret)))).toEqual([])
    expect((await textsIn(dataDir)).filter((text) => text.includes('onerror=alert(1)'))).toEqual([])
    const inMemory = await foundInMemory(world.pid ?? 0, [first.fingerprint, ...secrets])
    // Whoever may not look at memory sees nothing; the fingerprint is there, so we did look.
    expect(inMemory ?? [first.fingerprint]).toEqual([first.fingerprint])
    expect([short, whole]).toEqual([200, 200])
  }, 180_000)

  async function said(message: string): Promise<number> {
    const answer = await callTool(world.mcpUrl, alice.accessToken, { arguments: { message } })
    await answer.text()
    return answer.status
  }

  async function commandLine({ fingerprint, code }: Kit): Promise<void> {
    const read = await recording([sub(), '--fingerprint', fingerprint], FIRST)
    expect(read).toMatchObject({ code: 0, err: expect.stringContaining(`Sealed to the key ${fingerprint}`) })
    expect(
      read.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).request.length),
    ).toEqual([expect.any(Number), expect.any(Number)])
    expect(read.out).toContain(LONG)
    expect(await recording([sub()], 'a guess')).toMatchObject({ code: 1, err: expect.stringContaining('key_not_opened: ') })
    const file = join(dataDir, 'recording.sealed.jsonl')
    await writeFile(file, await (await carol.get(`/recordings/${sub()}/sealed`)).text())
    const offline = await recording(['--file', file, '--recovery'], code, {})
    expect(offline).toMatchObject({ code: 0, out: read.out })
    const swapped = await recording(['--file', file, '--fingerprint', 'A'.repeat(43)], FIRST, {})
    expect(swapped).toMatchObject({ code: 1, err: expect.stringContaining('unknown_key: ') })
    await rm(file)
  }

  async function recording(
    args: readonly string[],
    secret: string,
    env: NodeJS.ProcessEnv = { BROKER_URL: world.brokerUrl, ADMIN_TOKEN: token },
  ): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
    const program = [join(ROOT, 'scripts/admin.ts'), 'recording', ...args]
    const child = spawn(process.execPath, program, { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' })
    child.stdin.end(`${secret}\n`)
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, out, err }
  }

  /** An ordinary person gets nothing, and a machine of administrators puts no key in place. */
  async function nobodyElse(): Promise<void> {
    const bob = await AdminProgram.signedIn(world.brokerUrl, 'alice').catch(() => undefined)
    const stranger = bob ?? new AdminProgram(world.brokerUrl, { authorization: `Bearer ${alice.accessToken}` })
    for (const path of ['/sealing-key', '/sealing-keys', `/recordings/${sub()}/sealed`])
      expect([401, 403]).toContain((await stranger.get(path)).status)
    const keys = await carol.see('/sealing-keys')
    const [{ fingerprint, key, wrapped }] = keys['keys']
    const machine = new AdminProgram(world.brokerUrl, { authorization: `Bearer ${token}` })
    const refused = await machine.post('/sealing-key', { key, wrapped, replaces: fingerprint, reason: 'mine now' })
    expect([refused.status, await refused.json()]).toMatchObject([403, { error: 'forbidden' }])
    const again = await carol.post('/sealing-key', { key, wrapped, replaces: null, reason: 'first?' })
    expect([again.status, await again.json()]).toMatchObject([409, { error: 'sealing_key_changed' }])
  }

  /** Passphrases, codes and private halves, in every spelling that somebody might send or store. */
  async function secretsOf(kits: readonly (readonly [string, Kit])[]): Promise<readonly string[]> {
    const { keys } = await carol.see('/sealing-keys')
    const privateHalves = await Promise.all(
      kits.map(async ([passphrase, { fingerprint }]) => {
        const found = keys.find((key: { fingerprint: string }) => key.fingerprint === fingerprint)
        const options = { maxPBES2Count: 600_000, keyManagementAlgorithms: ['PBES2-HS512+A256KW'] }
        const { plaintext } = await compactDecrypt(found.wrapped.passphrase, new TextEncoder().encode(passphrase), options)
        return String(JSON.parse(new TextDecoder().decode(plaintext)).d)
      }),
    )
    const plain = kits.flatMap(([passphrase, { code }]) => [passphrase, code, code.replaceAll('-', '')])
    const halves = privateHalves.flatMap((d) => [
      d,
      Buffer.from(d, 'base64url').toString('hex'),
      Buffer.from(d, 'base64url').toString('latin1'),
    ])
    const spelled = plain.flatMap((text) => [
      encodeURIComponent(text),
      Buffer.from(text).toString('base64url'),
      Buffer.from(text).toString('hex'),
    ])
    return [...plain, ...halves, ...spelled]
  }

  function sub(): string {
    return decodeJwt(alice.accessToken).sub ?? ''
  }
})

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

async function newKey(page: Page, passphrase: string, reason: string, picture?: string): Promise<Kit> {
  await made(page, passphrase, reason)
  await page.waitForSelector('#kit')
  const [code, fingerprint] = [await page.innerText('#kit-code'), await page.innerText('#kit-fingerprint')]
  expect(picture === undefined ? [] : await photograph(page, PICTURES, picture)).toEqual([])
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

/** What is saved by the page, and whether the message of four megabytes is in it. */
async function saved(page: Page): Promise<{ readonly status: string; readonly whole: boolean; readonly problems: string }> {
  await page.click('#reader-export')
  await expect.poll(() => page.innerText('#reader-status'), LONG_ENOUGH).toContain('entries')
  const [status, problems] = [await page.innerText('#reader-status'), await page.innerText('#reader-problems')]
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#reader-file')])
  const text = await readFile(await download.path(), 'utf8')
  const entries = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  return {
    status,
    problems,
    whole: entries.some(({ request = '', answer = '' }) => request.includes(LONG) && answer.includes(LONG)),
  }
}
