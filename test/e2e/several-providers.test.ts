// Two identity providers at once, in a real browser: people choose where they sign in, and each provider decides about its own people alone.
import { decodeJwt } from 'jose'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { startGithub } from '../unit/identity/dialects/github.ts'
import { BrokerClient, callTool, countForLong, statusWith, tokensOf, type Tokens } from '../world/broker-client.ts'
import { BROWSER_TESTS_RUN, launchChromium, openTab, photograph, picturesOf } from '../world/chromium.ts'
import { fixture } from '../world/fixture.ts'
import { startWorld } from '../world/world.ts'

const PICTURES = picturesOf('providers')

describe.runIf(BROWSER_TESTS_RUN)('with two identity providers', () => {
  const the = fixture(async (closing) => {
    const github = await closing(startGithub('OAuth App'))
    const entry = {
      name: 'github',
      kind: 'github',
      url: github.alice.issuer,
      client_id: 'broker',
      client_secret: '$GITHUB_SECRET',
    }
    const world = await closing(
      startWorld({
        overrides: {
          IDENTITY_PROVIDERS: JSON.stringify([entry]),
          GITHUB_SECRET: 'a secret of the tests',
          // Of the demo alone: her address at GitHub is somebody else's as far as rules go.
          ADMIN_EMAILS: 'oauth:alice@example.com',
        },
      }),
    )
    const browser = await closing(launchChromium({ isWhole: true }))
    const client = await BrokerClient.register(world.brokerUrl, { client_name: 'Cursor' })
    return { github, world, browser, client }
  })

  /** From the client's link to its tokens; `choose` is what the person does on the consent page and after it. */
  async function connect(choose: (page: Page) => Promise<void>): Promise<Tokens> {
    const { page, complaints } = await openTab(the.browser, { javaScriptEnabled: false })
    await page.route(`${the.client.redirectUri}*`, (route) => route.fulfill({ body: 'back in the client' }))
    const { url, verifier } = the.client.authorizeUrl()
    await page.goto(url)
    await choose(page)
    await page.waitForURL((at) => at.href.startsWith(the.client.redirectUri))
    const code = new URL(page.url()).searchParams.get('code') ?? ''
    expect(complaints).toEqual([])
    await page.context().close()
    return tokensOf(await the.client.redeem({ code, verifier }))
  }

  /** Of the portal, for Alice of a provider. */
  async function statusAs(provider: string): Promise<number | undefined> {
    const { page } = await openTab(the.browser)
    await page.goto(`${the.world.brokerUrl}/account?sign_in_with=${provider}`)
    if (provider === 'oauth') await page.click('button[value=alice]')
    await page.waitForURL(`${the.world.brokerUrl}/account`)
    const answer = await page.goto(`${the.world.brokerUrl}/admin`)
    await page.context().close()
    return answer?.status()
  }

  test('the pages that ask can be read and used, and lead to the account of whoever was chosen', async () => {
    const { page, complaints } = await openTab(the.browser)
    await page.goto(the.client.authorizeUrl().url)
    expect(await photograph(page, PICTURES, 'consent')).toEqual([])
    // Attack 17: a link can choose nothing for the person, and skip no question.
    await page.goto(`${the.client.authorizeUrl().url}&provider=github&decision=allow&sign_in_with=github`)
    expect(await page.locator('#deny, #allow-oauth, #allow-github').count()).toBe(3)

    await page.goto(`${the.world.brokerUrl}/account`)
    expect(await photograph(page, PICTURES, 'sign-in')).toEqual([])
    await page.click('text=GitHub')
    await page.waitForURL(`${the.world.brokerUrl}/account`)
    expect(await page.textContent('main')).toContain('alice@example.com')
    expect(complaints).toEqual([])
    await page.context().close()
  })

  test('an administrator of one provider is none by the same address at another one', async () => {
    expect([await statusAs('oauth'), await statusAs('github')]).toEqual([200, 403])
  })

  test('a person chooses on the consent page, and who is dropped at one provider keeps what they have from the other', async () => {
    const atGithub = await connect((page) => page.click('#allow-github'))
    const atDemo = await connect(async (page) => {
      await page.click('#allow-oauth')
      await page.click('button[value=alice]')
    })

    expect(await (await callTool(the.world.mcpUrl, atGithub.accessToken, { tool: 'whoami', arguments: {} })).text()).toContain(
      '583231',
    )
    expect(await (await callTool(the.world.mcpUrl, atDemo.accessToken, { tool: 'whoami', arguments: {} })).text()).toContain(
      'person-1001',
    )
    // One address, two people.
    expect(decodeJwt(atGithub.accessToken).sub).not.toBe(decodeJwt(atDemo.accessToken).sub)

    const stream = await countForLong(the.world.mcpUrl, atGithub.accessToken)
    the.github.drop('alice')
    expect((await the.client.refresh(atGithub.refreshToken)).status).toBe(400)
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(await statusWith(the.world.mcpUrl, atGithub.accessToken)).toBe(401)
    expect(await statusWith(the.world.mcpUrl, atDemo.accessToken)).toBe(200)
    expect((await the.client.refresh(atDemo.refreshToken)).status).toBe(200)
  })
})
