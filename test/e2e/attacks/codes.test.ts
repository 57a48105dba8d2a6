// Attacks on the authorization request, the consent page and the authorization code, against the built Worker.
import { describe, expect, test } from 'vitest'
import { Browser, signInAs } from '../../world/browser.ts'
import {
  BrokerClient,
  type Changes,
  countForLong,
  errorOf,
  REDIRECT_URI,
  statusWith,
  tokensOf,
} from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { linkIn, type Form } from '../../world/html-forms.ts'
import { startWorld } from '../../world/world.ts'

const the = fixture(async (closing) => {
  const world = await closing(startWorld())
  const client = await BrokerClient.register(world.brokerUrl)
  return { world, client }
})

describe('1. PKCE omitted at the token endpoint:', () => {
  test.for<[string, Changes]>([
    ['no verifier', { code_verifier: undefined }],
    ['an empty verifier', { code_verifier: '' }],
    ['a verifier that is too short', { code_verifier: 'v'.repeat(42) }],
    ['the verifier of somebody else', { code_verifier: 'v'.repeat(43) }],
  ])('%s is refused and burns the code', async ([, changes]) => {
    const code = await the.client.code('alice')
    const refused = await the.client.redeem(code, changes)
    expect([refused.status, errorOf(refused)]).toEqual([400, 'invalid_grant'])
    const again = await the.client.redeem(code)
    expect([again.status, errorOf(again)]).toEqual([400, 'invalid_grant'])
  })
})

describe('2. weak or missing code challenge:', () => {
  test.for<[string, Changes]>([
    ['no challenge', { code_challenge: undefined, code_challenge_method: undefined }],
    ['an empty challenge', { code_challenge: '' }],
    ['plain', { code_challenge_method: 'plain' }],
    ['no method, which would mean plain', { code_challenge_method: undefined }],
    ['s256 in small letters', { code_challenge_method: 's256' }],
    ['a challenge of 42 characters', { code_challenge: 'c'.repeat(42) }],
    ['a challenge of 44 characters', { code_challenge: 'c'.repeat(44) }],
    ['a challenge in base64 with padding', { code_challenge: `${'c'.repeat(42)}=` }],
    ['two challenges', { code_challenge: ['c'.repeat(43), 'd'.repeat(43)] }],
  ])('%s is an error for the client, with its state and our issuer', async ([, changes]) => {
    const { url } = the.client.authorizeUrl({ state: 'of the client', ...changes })
    const answer = await fetch(url, { redirect: 'manual' })
    const back = await offeredIn(answer)
    expect(back.href.startsWith(`${REDIRECT_URI}?`)).toBe(true)
    expect(Object.fromEntries(back.searchParams)).toEqual({
      error: 'invalid_request',
      error_description: expect.stringContaining('code_challenge'),
      state: 'of the client',
      iss: the.world.brokerUrl,
    })
  })
})

describe('3. redirect URIs nobody registered:', () => {
  test.for([
    'https://evil.example/callback',
    `${REDIRECT_URI}/more`,
    `${REDIRECT_URI}?more=1`,
    `${REDIRECT_URI}#fragment`,
    'http://127.0.0.1:33418/callback/../other',
    'http://127.0.0.1:33418@evil.example/callback',
    'http://127.0.0.1:33418%40evil.example/callback',
    'http://127.0.0.1.evil.example:33418/callback',
    'http://localhost:33418/callback',
    'https://127.0.0.1:33418/callback',
    'HTTP://127.0.0.1:33418/callback',
    '//evil.example/callback',
    'javascript:alert(1)//callback',
    'data:text/html,<script>alert(1)</script>',
    `\t${REDIRECT_URI}`,
    'http://127.0.0.1:33418/callback\r\nLocation: https://evil.example',
  ])('%j gets a page, never a redirect', async (redirectUri) => {
    // Both a good request and one with another mistake in it: the second must not be sent where the first may not.
    for (const other of [{}, { response_type: 'token' }]) {
      const { url } = the.client.authorizeUrl({ redirect_uri: redirectUri, ...other })
      const answer = await fetch(url, { redirect: 'manual' })
      expect(answer.status).toBe(400)
      expect(answer.headers.get('location')).toBeNull()
      expect(answer.headers.get('content-type')).toContain('text/html')
      expect(await answer.text()).toContain('invalid_redirect_uri')
    }
  })

  test('two redirect URIs get a page too, and so does a client nobody knows', async () => {
    const twice = the.client.authorizeUrl({ redirect_uri: [REDIRECT_URI, 'https://evil.example/callback'] })
    const unknown = the.client.authorizeUrl({ client_id: `pub_${'A'.repeat(43)}` })
    for (const { url } of [twice, unknown]) {
      const answer = await fetch(url, { redirect: 'manual' })
      expect([answer.status < 500, answer.headers.get('location')]).toEqual([true, null])
    }
  })
})

describe('5. code replay and concurrent redemption:', () => {
  test('twenty at once: exactly one gets tokens, and they work', async () => {
    const code = await the.client.code('alice')
    const answers = await Promise.all(Array.from({ length: 20 }, () => the.client.redeem(code)))
    const [granted, ...more] = answers.filter(({ status }) => status === 200)
    expect(more).toEqual([])
    expect(answers.filter((answer) => answer.status === 400 && errorOf(answer) === 'invalid_grant')).toHaveLength(19)
    expect(granted && (await statusWith(the.world.mcpUrl, tokensOf(granted).accessToken))).toBe(200)
  })

  test('a thief who replays it ends the family and its open stream', async () => {
    const code = await the.client.code('alice')
    const { accessToken, refreshToken } = tokensOf(await the.client.redeem(code))
    const stream = await countForLong(the.world.mcpUrl, accessToken)
    const replay = await the.client.redeem(code, { code_verifier: 't'.repeat(43) })
    expect([replay.status, errorOf(replay)]).toEqual([400, 'invalid_grant'])
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(stream.text).toContain('closed: credential_revoked')
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
    expect((await the.client.refresh(refreshToken)).status).toBe(400)
  })

  test('a crash between redemption and replay makes no difference', async () => {
    const code = await the.client.code('alice')
    const { accessToken } = tokensOf(await the.client.redeem(code))
    await the.world.restartRuntime()
    expect((await the.client.redeem(code, { code_verifier: undefined })).status).toBe(400)
    expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
  })
})

test('6. guessing at a code by its prefix: the real one is untouched', async () => {
  const code = await the.client.code('alice')
  const [head = '', body = '', signature = ''] = code.code.split('.')
  const { sub, gid }: { sub: string; gid: string } = JSON.parse(Buffer.from(body, 'base64url').toString())
  const guesses = [
    `${sub}:${gid}:wrong`,
    `${head}.${body}.${signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`,
    `${head}.${body}.`,
    `${Buffer.from('{"alg":"none","typ":"code+jwt"}').toString('base64url')}.${body}.`,
    code.code.slice(0, -1),
  ]
  for (const guess of guesses) expect((await the.client.redeem({ ...code, code: guess })).status).toBe(400)
  expect((await the.client.redeem(code)).status).toBe(200)
})

describe('14. consent that is not the person’s own:', () => {
  test('a ticket from one browser is nothing in another, and the page of another request is none either', async () => {
    const browser = new Browser()
    const { ticket } = await consentFor(browser)
    const other = new Browser()
    await consentFor(other)
    const guessed = cookiesOf(browser).replace(/=.*/, '=AAAAAAAAAAAAAAAAAAAAAA')
    for (const cookie of ['', guessed, cookiesOf(other)]) expect((await decide(ticket, { cookie })).status).toBe(400)
    expect((await decide(ticket, { cookie: cookiesOf(browser) })).status).toBe(303)
  })

  test('a ticket is answered once: the cookie that makes it valid goes with the answer', async () => {
    const browser = new Browser()
    const { form, ticket } = await consentFor(browser)
    await browser.submit(form, { decision: 'allow' }, { stopAt: the.world.idp.issuer })
    expect((await decide(ticket, { cookie: cookiesOf(browser) })).status).toBe(400)
  })

  test('a ticket that was changed is nothing', async () => {
    const browser = new Browser()
    const { ticket } = await consentFor(browser)
    for (const forged of ['', `${ticket}A`, ticket.replace(/.$/, ''), ticket.split('.').slice(0, 3).join('.')])
      expect((await decide(forged, { cookie: cookiesOf(browser) })).status).toBe(400)
  })
})

test('15. silent consent: a navigation from another site gets the page, and its form is not taken from there', async () => {
  const browser = new Browser()
  await signInAs('alice', the.client.authorizeUrl().url, { browser })
  const crossSite = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
  const { ticket } = await consentFor(browser, crossSite)
  for (const headers of [crossSite, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }]) {
    const answer = await decide(ticket, { cookie: cookiesOf(browser), ...headers })
    expect([answer.status, answer.headers.get('location')]).toEqual([403, null])
  }
})

describe('17. confused deputy by registration:', () => {
  test('a person who is signed in and has allowed one client is asked anew for the next, by name and host; silence is no', async () => {
    const browser = new Browser()
    await the.client.signIn('alice', { browser })
    const evil = await BrokerClient.register(the.world.brokerUrl, {
      client_name: 'Your friendly assistant',
      redirect_uris: ['https://evil.example/callback'],
    })
    const page = await browser.get(evil.authorizeUrl().url, { stopAt: evil.redirectUri })
    expect(page.stopped).toBe(false)
    expect(page.text).toContain('Your friendly assistant')
    expect(page.text).toContain('evil.example')
    const form = page.forms.find(({ id }) => id === 'consent')
    if (!form) throw new Error('no consent form')
    const refused = await browser.submit(form, {}, { stopAt: evil.redirectUri })
    expect([refused.stopped, refused.text.includes('http-equiv')]).toEqual([false, false])
    const back = new URL(linkIn(refused.text, 'continue') ?? '')
    expect(Object.fromEntries(back.searchParams)).toMatchObject({ error: 'access_denied', iss: the.world.brokerUrl })
    expect(back.searchParams.has('code')).toBe(false)
  })

  test('prompt=none does not get around the page', async () => {
    const answer = await fetch(the.client.authorizeUrl({ prompt: 'none' }).url, { redirect: 'manual' })
    expect((await offeredIn(answer)).searchParams.get('error')).toBe('consent_required')
  })
})

test('58. session fixation: nothing a browser had before the sign-in is worth anything after it', async () => {
  const browser = new Browser()
  const { form } = await consentFor(browser)
  const before = browser.cookiesFor(`${the.world.brokerUrl}/callback`)
  expect(before).toContain('mcp_consent_')
  const idp = await browser.submit(form, { decision: 'allow' })
  const pending = browser.cookiesFor(`${the.world.brokerUrl}/callback`)
  expect(pending).toContain('mcp_login_')
  const signIn = idp.forms.find(({ id }) => id === 'sign-in')
  if (!signIn) throw new Error('no sign-in form')
  const callback = await browser.submit(signIn, { person: 'alice' }, { stopAt: `${the.world.brokerUrl}/callback` })
  const done = await browser.get(callback.url, { stopAt: REDIRECT_URI })
  expect(new URL(done.url).searchParams.has('code')).toBe(true)
  expect(browser.cookiesFor(`${the.world.brokerUrl}/callback`)).toBe('')
  // Somebody who kept the cookies, or planted them, gets nothing for them.
  for (const cookie of [before, pending, `${before}; ${pending}`]) {
    const again = await fetch(callback.url, { headers: { cookie }, redirect: 'manual' })
    expect(again.status).toBeGreaterThanOrEqual(400)
    expect(again.headers.get('location')).toBeNull()
  }
})

/** Where a page offers to go back to, and does not go by itself. */
async function offeredIn(answer: Response): Promise<URL> {
  expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
  return new URL(linkIn(await answer.text(), 'continue') ?? '')
}

const cookiesOf = (browser: Browser): string => browser.cookiesFor(`${the.world.brokerUrl}/authorize`)

async function consentFor(
  browser: Browser,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ form: Form; ticket: string }> {
  const page = await browser.get(the.client.authorizeUrl().url, { headers })
  const form = page.forms.find(({ id }) => id === 'consent')
  const ticket = form?.fields.find(([name]) => name === 'ticket')?.[1]
  if (!form || ticket === undefined) throw new Error(`no consent form at ${page.url} (${page.status})`)
  return { form, ticket }
}

/** As a browser on the consent page would send it, unless the headers say otherwise. */
async function decide(ticket: string, headers: Readonly<Record<string, string>>): Promise<Response> {
  return await fetch(`${the.world.brokerUrl}/authorize`, {
    method: 'POST',
    body: new URLSearchParams({ ticket, decision: 'allow' }),
    headers: { origin: the.world.brokerUrl, 'sec-fetch-site': 'same-origin', ...headers },
    redirect: 'manual',
  })
}
