// The portal in a real browser: an administrator watches a person's tool call, takes the person's access away, and sees that it is gone.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { BrokerClient, countForLong, errorOf, statusWith } from '../world/broker-client.ts'
import { BROWSER_TESTS_RUN, examine, photograph, picturesOf } from '../world/chromium.ts'
import { fixture, perTest } from '../world/fixture.ts'
import { decide, eventsIn, LONG_ENOUGH, openAs, pictured } from '../world/portal-visit.ts'
import { startBrowserWorld } from '../world/browser-world.ts'

const PICTURES = picturesOf('portal')

describe.runIf(BROWSER_TESTS_RUN)('the portal', () => {
  const the = fixture(startBrowserWorld)

  /** The index is a moment behind. */
  async function findAlice(page: Page): Promise<void> {
    await expect
      .poll(async () => {
        await page.goto(`${the.world.brokerUrl}/admin/people`)
        await page.fill('#search-people-text', 'alice')
        await page.click('#search-people-go')
        return await page.locator('tr[data-person]').count()
      }, LONG_ENOUGH)
      .toBe(1)
    await page.click('text=Alice Archer')
    await page.waitForSelector('#standing')
  }

  describe.for([
    ['live', true],
    ['without JavaScript', false],
  ] as const)('%s', ([, hasScript]) => {
    test('shows an administrator a running call, ends it with everything of its person, and keeps the person out', async () => {
      const { page, complaints } = await openAs('carol', the.browser, `${the.world.brokerUrl}/admin`, hasScript)
      const shot = async (name: string): Promise<void> => {
        expect(await pictured(page, PICTURES, name, hasScript)).toEqual([])
      }
      const tokens = await the.client.signIn('alice')
      await findAlice(page)
      expect(await page.locator('tr[data-stream-id]').count()).toBe(0)

      // The call begins while she looks.
      const stream = await countForLong(the.world.mcpUrl, tokens.accessToken)
      if (!hasScript) await page.click('#refresh')
      const row = page.locator('tr[data-stream-id]')
      await row.waitFor()
      expect(await row.innerText()).toMatch(/tools\/call\s+count[\s\S]*Cursor\s+bare client 1\.0\.0[\s\S]*\/mcp/)
      // How far it has come is counted where it is carried, and seen to grow.
      const passed = async (): Promise<number> => Number.parseInt(await row.locator('td[data-label=Passed]').innerText(), 10)
      const first = await passed()
      if (!hasScript) await page.waitForTimeout(1_100)
      if (!hasScript) await page.click('#refresh')
      await expect.poll(passed, LONG_ENOUGH).toBeGreaterThan(first)
      expect(await row.locator('td[data-label="Last event"]').innerText()).toMatch(/\d s ago\s+(nothing|\S+ K?B) buffered/)
      await shot('person')
      await page.goto(`${the.world.brokerUrl}/admin`)
      await expect.poll(() => page.locator('#lately').textContent(), LONG_ENOUGH).toContain('tools/call count')
      // Alice's object tells it a moment after the stream was opened; the page draws it when it has heard.
      const open = async (): Promise<string | null> => {
        if (!hasScript) await page.click('#refresh')
        return await page.textContent('#stat-streams-open .stat-value')
      }
      await expect.poll(open, { timeout: 20_000 }).toBe('1')
      await shot('overview')

      // What it would do is said, and nothing is done yet.
      await findAlice(page)
      await page.click('#revoke-person')
      const effects = await page.textContent('#effects')
      expect(effects).toContain('1 client of Alice Archer is disconnected: Cursor.')
      expect(effects).toContain('1 open stream is closed at once: tools/call count')
      expect(stream.endedAt).toBeUndefined()
      await shot('confirm')
      await decide(page, 'left the company')
      expect(await stream.endsWithin(500)).toBe(true)
      expect(await statusWith(the.world.mcpUrl, tokens.accessToken)).toBe(401)
      expect(errorOf(await the.client.refresh(tokens.refreshToken))).toBe('invalid_grant')
      expect(await page.textContent('#closed-streams')).toMatch(/^1\s*open stream closed$/)
      expect(await page.textContent('#ended-grants')).toMatch(/^1\s*client disconnected$/)
      expect(await page.textContent('#acknowledged')).toContain('Done')
      expect(await page.textContent('#why')).toBe('left the company')
      await shot('receipt')

      await page.click('#to-person')
      await page.click('#block-person')
      await decide(page, 'until it is clear')
      await expect(the.client.signIn('alice')).rejects.toThrow('error=access_denied')
      await page.click('#to-person')
      expect(await page.textContent('#standing')).toContain('Blocked: cannot sign in')
      await shot('person-blocked')
      await page.click('#unblock-person')
      await decide(page, 'it is clear')
      const again = await the.client.signIn('alice')
      expect(await statusWith(the.world.mcpUrl, again.accessToken)).toBe(200)
      await the.client.revoke(again.refreshToken)

      // All of it can be read afterwards.
      await expect
        .poll(async () => await eventsIn(page, the.world.brokerUrl))
        .toEqual(expect.arrayContaining(['person_ended', 'person_blocked', 'person_unblocked', 'signed_in']))
      await shot('events')
      expect(complaints).toEqual([])
      await page.context().close()
    })
  })

  describe('to an administrator', () => {
    const its = perTest(async (_, onEnd) => {
      const { page } = await openAs('carol', the.browser, `${the.world.brokerUrl}/admin`)
      onEnd(() => page.context().close())
      return { page }
    })

    test('says by itself that somebody has signed in', async () => {
      await expect.poll(() => its.page.textContent('[data-live-status]'), LONG_ENOUGH).toBe('Live')
      const [count] = await its.page.locator('#stat-signed-in .stat-value').allTextContents()
      const asked = its.page.waitForRequest((request) => request.url().endsWith('/admin/overview'), { timeout: 5_000 })
      await the.client.signIn('bob')
      await asked
      await expect.poll(() => its.page.textContent('#stat-signed-in .stat-value'), LONG_ENOUGH).toBe(String(Number(count) + 1))
    })

    test('opens for one in a hundred groups, in a cookie that every browser keeps', async () => {
      const groups = Array.from({ length: 100 }, () => crypto.randomUUID())
      the.world.idp.control.changeGroups('carol', groups)
      const { page: crowded } = await openAs('carol', the.browser, `${the.world.brokerUrl}/admin`)
      the.world.idp.control.changeGroups('carol', ['admins', 'engineering'])
      expect(await crowded.textContent('h1')).toBe('Overview')
      const cookies = await crowded.context().cookies(the.world.brokerUrl)
      expect(Math.max(...cookies.map(({ name, value }) => name.length + value.length))).toBeLessThan(600)
      await crowded.context().close()
    })

    test('tells who listens, and takes nothing from them', async () => {
      const heard = await its.page.evaluate<string[]>(`new Promise((resolve) => {
        const heard = []
        const socket = new WebSocket(location.origin.replace('http', 'ws') + '/admin/live')
        socket.onmessage = ({ data }) => {
          const { type, error } = JSON.parse(data)
          heard.push(error ?? type)
          if (heard.length === 2) socket.send(JSON.stringify({ type: 'cf_agent_state', state: { connected: 666 } }))
          if (error !== undefined) resolve(heard)
        }
      })`)
      expect(heard.slice(0, 2)).toEqual(['cf_agent_identity', 'cf_agent_state'])
      expect(heard.at(-1)).toBe('Connection is readonly')
      await its.page.reload()
      expect(await its.page.textContent('#stat-connected')).not.toContain('666')
    })

    test('closes one stream, and the client may go on', async () => {
      const { accessToken } = await the.client.signIn('bob')
      const [one, other] = [await countForLong(the.world.mcpUrl, accessToken), await countForLong(the.world.mcpUrl, accessToken)]
      await its.page.goto(`${the.world.brokerUrl}/admin/people?search=bob`)
      await its.page.click('text=Bob Baker')
      const id = await its.page.locator('tr[data-stream-id]').first().getAttribute('data-stream-id')
      await its.page.click(`#end-stream-${id}`)
      expect(await its.page.textContent('#effects')).toContain('The client keeps its access')
      await decide(its.page, 'too long')
      await expect.poll(() => [one.endedAt, other.endedAt].filter((at) => at !== undefined)).toHaveLength(1)
      expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
      await its.page.click('#to-person')
      expect(await its.page.locator('tr[data-stream-id]').count()).toBe(1)
      await its.page.click(`#end-grant-${await its.page.locator('tr[data-stream-id]').getAttribute('data-grant-id')}`)
      await decide(its.page, 'not this client')
      expect(await Promise.all([one.endsWithin(500), other.endsWithin(500)])).toEqual([true, true])
      expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    })

    test('blocks a client everywhere, and shows how far that has come', async () => {
      const bad = await BrokerClient.register(the.world.brokerUrl, { client_name: 'Helpful Assistant' })
      const tokens = [await bad.signIn('alice'), await bad.signIn('bob')]
      await expect
        .poll(async () => {
          await its.page.goto(`${the.world.brokerUrl}/admin/clients?search=helpful`)
          return await its.page.locator(`tr:has(#block-client-${bad.clientId}) td[data-label=People]`).textContent()
        }, LONG_ENOUGH)
        .toBe('2')
      expect(await photograph(its.page, PICTURES, 'clients')).toEqual([])
      await its.page.click(`#block-client-${bad.clientId}`)
      expect(await its.page.textContent('#effects')).toContain('2 people are disconnected from Helpful Assistant')
      await decide(its.page, 'nobody knows whose it is')
      await expect.poll(() => its.page.locator('[data-state]').getAttribute('data-state'), LONG_ENOUGH).toBe('done')
      expect(await its.page.textContent('#ended-grants')).toMatch(/^2\s*clients/)
      for (const { accessToken } of tokens) expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
      await its.page.goto(`${the.world.brokerUrl}/admin/clients?search=helpful`)
      await its.page.click(`#unblock-client-${bad.clientId}`)
      await decide(its.page, 'it was ours')
      await bad.signIn('bob')
    })

    test('disconnects everybody only when it is typed', async () => {
      const { accessToken } = await the.client.signIn('bob')
      await its.page.goto(`${the.world.brokerUrl}/admin/everyone`)
      await its.page.fill('#reason', 'the key leaked')
      await its.page.fill('#typed', 'yes')
      await Promise.all([its.page.waitForResponse((response) => response.status() === 400), its.page.click('#do')])
      expect(await its.page.textContent('#complaint')).toContain('Nothing was done')
      expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
      expect(await examine(its.page, PICTURES, 'everyone')).toEqual([])
      await its.page.fill('#reason', 'the key leaked')
      await its.page.fill('#typed', 'everybody')
      await its.page.click('#do')
      await its.page.waitForURL(/\/admin\/receipts\//)
      await expect.poll(() => its.page.locator('[data-state]').getAttribute('data-state'), LONG_ENOUGH).toBe('done')
      await expect.poll(() => statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    })

    test('makes a machine credential, shows it once, and takes it back', async () => {
      await its.page.goto(`${the.world.brokerUrl}/admin/machines`)
      await its.page.fill('#machine-name', 'Nightly report')
      await its.page.fill('#machine-owner', 'Data team')
      await its.page.fill('#machine-reason', 'reports')
      await its.page.click('#create-machine')
      const token = (await its.page.textContent('#token'))?.trim() ?? ''
      expect(await statusWith(the.world.mcpUrl, token)).toBe(200)
      await its.page.goto(`${the.world.brokerUrl}/admin/machines`)
      expect(await its.page.content()).not.toContain(token)
      expect(await photograph(its.page, PICTURES, 'machines')).toEqual([])
      await its.page.click('text=Nightly report')
      await its.page.click('#revoke-person')
      expect(await its.page.textContent('#effects')).toContain('a new one has to be made')
      await decide(its.page, 'no reports any more')
      expect(await statusWith(the.world.mcpUrl, token)).toBe(401)
    })

    test.for(['people', 'receipts', 'connect'])('has a page about %s that can be read everywhere', async (name) => {
      await its.page.goto(`${the.world.brokerUrl}/admin/${name}`)
      expect(await photograph(its.page, PICTURES, name)).toEqual([])
    })

    test.for(['/admin/people/nobody', '/admin/receipts/none', '/admin/nothing'])('has nothing at %s', async (path) => {
      expect((await its.page.goto(the.world.brokerUrl + path))?.status()).toBe(404)
    })
  })

  test('is closed to who is no administrator, and that is noted', async () => {
    const { page } = await openAs('bob', the.browser, `${the.world.brokerUrl}/admin`)
    expect(await page.textContent('h1')).toBe('You have no access to this')
    expect(await photograph(page, PICTURES, 'not-for-you')).toEqual([])
    for (const path of ['/people', '/events', '/confirm', '/everyone', '/machines', '/overview', '/connect'])
      expect((await page.goto(`${the.world.brokerUrl}/admin${path}`))?.status()).toBe(403)
    const { page: portal } = await openAs('carol', the.browser, `${the.world.brokerUrl}/admin`)
    await expect.poll(async () => await eventsIn(portal, the.world.brokerUrl), LONG_ENOUGH).toContain('administration_refused')
    await Promise.all([page.context().close(), portal.context().close()])
  })
})
