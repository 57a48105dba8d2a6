// Exports to a receiver that fails every third time while the broker is killed and restarted; and the page on which administrators see it.
import { expect, onTestFinished, test } from 'vitest'
import { TrustedKeys } from '../../scripts/evidence/trusted-keys.ts'
import { walk, evidenceLines } from '../../scripts/evidence/walk.ts'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient } from '../world/broker-client.ts'
import { BROWSER_TESTS_RUN, launchChromium, examine, picturesOf } from '../world/chromium.ts'
import { ExportReceiver, S3_SECRET } from '../world/export-sink.ts'
import { fixture } from '../world/fixture.ts'
import { openAs } from '../world/portal-visit.ts'
import { startWorld } from '../world/world.ts'

const the = fixture(async (closing) => {
  const receiver = await closing(ExportReceiver.start())
  const sinks = [
    { name: 'siem', type: 'webhook', url: receiver.url(), secret: '$SIEM_SECRET' },
    { name: 'logs', type: 'otlp', url: receiver.url('/v1/logs'), headers: { 'x-key': '$OTLP_KEY' } },
    { name: 'archive', type: 's3', url: receiver.url('/bucket/audit'), access_key_id: 'AKID', secret_access_key: '$S3_SECRET' },
    { name: 'never', type: 'webhook', url: receiver.url('/never'), secret: '$SIEM_SECRET' },
    { name: 'away', type: 'otlp', url: 'http://127.0.0.1:1/v1/logs' },
  ]
  const secrets = { SIEM_SECRET: receiver.secret, OTLP_KEY: 'a key', S3_SECRET }
  const world = await closing(startWorld({ overrides: { EXPORTS: JSON.stringify(sinks), ...secrets } }))
  return { world, receiver }
})

const PATIENCE = { timeout: 40_000, interval: 250 }
const state = async (carol: AdminProgram, name = 'siem') =>
  (await carol.see('/exports')).exports.find((one: { readonly name: string }) => one.name === name)

test(
  'a receiver that fails every third time gets every number at least once, and none is lost when the broker is killed',
  { timeout: 180_000 },
  async () => {
    the.receiver.failsEvery = 3
    const client = await BrokerClient.register(the.world.brokerUrl)
    for (const person of ['alice', 'bob', 'alice'] as const) await client.signIn(person)
    await expect.poll(() => the.receiver.numbers.length, PATIENCE).toBeGreaterThan(2)
    await the.world.killRuntime()
    await the.world.restartRuntime()
    for (const person of ['bob', 'alice'] as const) await client.signIn(person)
    const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
    await carol.createMachine()
    await expect.poll(async () => (await carol.see('/events?type=signed_in')).events.length, PATIENCE).toBeGreaterThanOrEqual(5)
    const { number } = await carol.see('/evidence')
    const all = Array.from({ length: number }, (_, index) => index + 1)
    for (const arrived of [() => the.receiver.taken, () => the.receiver.logged, () => the.receiver.stored]) {
      const missing = () => {
        const numbers = new Set(arrived().map((line) => line.number))
        return all.filter((each) => !numbers.has(each))
      }
      await expect.poll(missing, PATIENCE).toEqual([])
    }
    expect(the.receiver.refusedSignatures).toEqual([])
    // One that hangs has kept nobody waiting.
    expect(await state(carol, 'never')).toMatchObject({ cursor: 0 })
    // What has arrived is the chain, whole.
    const lines = new Map(
      evidenceLines.parse(the.receiver.taken).flatMap((line) => ('number' in line ? [[line.number, line] as const] : [])),
    )
    const ordered = [...lines.values()].sort((a, b) => a.number - b.number)
    await expect(walk(ordered, await TrustedKeys.of({}))).resolves.toMatchObject({ gone: 0, hidden: 0 })
    expect(the.receiver.taken.some(({ ocsf }) => ocsf?.class_uid === 3002)).toBe(true)
    const written = JSON.stringify([the.receiver.taken, the.receiver.logged, [...the.receiver.objects]])
    for (const secret of ['Bearer', 'eyJ', the.receiver.secret, S3_SECRET, 'tok_']) expect(written).not.toContain(secret)
  },
)

test.runIf(BROWSER_TESTS_RUN)(
  'the page Exports: what waits, what was refused, sent again, and a test event',
  { timeout: 180_000 },
  async () => {
    the.receiver.failsEvery = Infinity
    const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
    await expect.poll(async () => (await state(carol)).head - (await state(carol)).cursor, PATIENCE).toBe(0)
    the.receiver.refuses = (await state(carol)).head + 1
    await carol.createMachine()
    await carol.createMachine()
    await expect.poll(async () => (await state(carol)).deadLetters.length, PATIENCE).toBe(1)
    await expect.poll(async () => (await state(carol)).head - (await state(carol)).cursor, PATIENCE).toBe(0)
    expect(await state(carol, 'away')).toMatchObject({ cursor: 0, problem: 'it did not answer' })
    const browser = await launchChromium()
    onTestFinished(() => browser.close())
    const { page, complaints } = await openAs('carol', browser, `${the.world.brokerUrl}/admin`)
    await page.click('a[href="/admin/exports"]')
    expect(await page.locator('tr[data-sink="away"]').innerText()).toMatch(/Failed \d+ times?/)
    expect(await examine(page, picturesOf('portal'), 'exports')).toEqual([])
    await page.click('#test-siem')
    expect(await page.locator('#notice').innerText()).toBe('siem has taken the test event.')
    expect(the.receiver.tests).toHaveLength(1)
    await page.click('#retry-siem')
    expect(await page.locator('#notice').innerText()).toBe('siem still refuses 1.')
    const refused = the.receiver.refuses
    the.receiver.refuses = undefined
    await page.click('#retry-siem')
    expect(await page.locator('#notice').innerText()).toBe('siem has taken all of them now.')
    expect(the.receiver.numbers).toContain(refused)
    expect(await page.locator('[data-refused]').count()).toBe(0)
    await page.goto(`${the.world.brokerUrl}/admin/receipts`)
    await page.locator('a[href^="/admin/receipts/"]').first().click()
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#signed')])
    expect(download.suggestedFilename()).toMatch(/^receipt.*\.json$/)
    expect(await examine(page, picturesOf('portal'), 'receipt-signed')).toEqual([])
    expect(complaints).toEqual([])
  },
)
