// Attack 16: what clients, links and identity providers say about themselves is text, on pages that run nothing and are framed nowhere.
import { describe, expect, test } from 'vitest'
import { Browser, type Page } from '../../world/browser.ts'
import { BrokerClient } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { linkIn } from '../../world/html-forms.ts'
import { startWorld } from '../../world/world.ts'

const world = fixture((closing) => closing(startWorld()))

const HOSTILE = [
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)</script>',
  "'-alert(1)-'",
  '</title><script>alert(1)</script>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '<svg/onload=alert(1)>',
  '{{constructor.constructor("alert(1)")()}}',
]

describe('a link of a stranger', () => {
  test.for<[string, string]>([
    ['https://evil.example/callback', 'Go back to evil.example'],
    ['cursor://anysphere.cursor-mcp/oauth/callback', 'Go back to the app on this device that opens cursor: links'],
  ])('with a mistake in it takes nobody to %s by itself', async ([redirectUri, button]) => {
    const evil = await BrokerClient.register(world.brokerUrl, { client_name: 'Friendly', redirect_uris: [redirectUri] })
    for (const changes of [{ code_challenge: undefined }, { prompt: 'none' }, { resource: 'https://other.example' }]) {
      const answer = await fetch(evil.authorizeUrl(changes).url, { redirect: 'manual' })
      const page = await answer.text()
      expect(page).toContain(button)
      expect(page).not.toMatch(/http-equiv|<script/)
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
      expect(linkIn(page, 'continue')?.startsWith(`${redirectUri}?`)).toBe(true)
    }
  })
})

describe('16. clickjacking and script injection:', () => {
  test.for(HOSTILE)('a client called %j is shown by that name and nothing else', async (name) => {
    const client = await BrokerClient.register(world.brokerUrl, {
      client_name: name,
      client_uri: `javascript:alert('${name}')`,
      logo_uri: `https://evil.example/${name}`,
    })
    const page = await new Browser().get(client.authorizeUrl({ scope: name, state: name }).url)
    expect(page.status).toBe(200)
    inert(page.text)
    expect(page.text).not.toContain('evil.example')
    shut(page.headers)
  })

  test.for(HOSTILE)('%j in a link is an error page without it', async (text) => {
    const client = await BrokerClient.register(world.brokerUrl)
    const links = [
      client.authorizeUrl({ redirect_uri: `https://evil.example/${text}` }).url,
      client.authorizeUrl({ client_id: text }).url,
      `${world.brokerUrl}/callback?${new URLSearchParams({ state: text, error: text, error_description: text }).toString()}`,
      `${world.brokerUrl}/${encodeURIComponent(text)}`,
    ]
    for (const link of links) {
      const page = await new Browser().get(link, { headers: { accept: 'text/html' } })
      expect(page.status).toBeGreaterThanOrEqual(400)
      inert(page.text)
      shut(page.headers)
    }
  })

  test.for(['server_error', 'invalid_request'])(
    'the page about %j at the identity provider does not repeat its markup',
    async (error) => {
      const back = await afterProviderSaid(error)
      expect([back.stopped, back.status >= 400]).toEqual([false, true])
      inert(back.text)
      shut(back.headers)
    },
  )

  test.for(['access_denied', HOSTILE[1] ?? ''])(
    'after %j at the identity provider the client is told in words of ours',
    async (error) => {
      const back = await afterProviderSaid(error)
      expect(back.stopped).toBe(true)
      expect(Object.fromEntries(new URL(back.url).searchParams)).toMatchObject({
        error: 'access_denied',
        error_description: 'the identity provider did not sign the person in',
      })
    },
  )
})

async function afterProviderSaid(error: string): Promise<Page> {
  const browser = new Browser()
  const client = await BrokerClient.register(world.brokerUrl)
  const [consent] = (await browser.get(client.authorizeUrl().url)).forms
  if (!consent) throw new Error('no consent form')
  const sent = await browser.submit(consent, { decision: 'allow' }, { stopAt: world.idp.issuer })
  const state = new URL(sent.url).searchParams.get('state') ?? ''
  const answer = new URLSearchParams({ state, iss: world.idp.issuer, error, error_description: HOSTILE[1] ?? '' })
  return await browser.get(`${world.brokerUrl}/callback?${answer.toString()}`, { stopAt: client.redirectUri })
}

function inert(page: string): void {
  expect(page).not.toMatch(/<(?:script|img src=x|svg\/onload)/i)
  expect(page).not.toMatch(/<[^>]*\s(?:on\w+\s*=|href\s*=\s*"?\s*(?:javascript|data):)/i)
}

function shut(headers: Headers): void {
  const policy = headers.get('content-security-policy') ?? ''
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toMatch(/unsafe|script-src/)
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
}
