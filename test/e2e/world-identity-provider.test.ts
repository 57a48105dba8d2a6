// The demo identity provider behaves like a strict real one, and a test can make it misbehave on purpose.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { Browser, signInAs } from '../world/browser.ts'
import { startIdentityProvider, type IdentityProvider, type IdentityProviderOptions } from '../world/identity-provider.ts'
import type { PersonKey } from '../world/people.ts'

const CALLBACK = 'http://localhost:8788/callback'
const running: { close(): Promise<void> }[] = []

afterEach(async () => {
  for (const world of running.splice(0)) await world.close()
})

async function started(options: Partial<IdentityProviderOptions> = {}): Promise<IdentityProvider> {
  const idp = await startIdentityProvider({ clientId: 'broker', clientSecret: 'a secret', redirectUris: [CALLBACK], ...options })
  running.push(idp)
  return idp
}

interface Link {
  readonly url: string
  readonly verifier: string
}

function link(idp: IdentityProvider, change: Readonly<Record<string, string>> = {}): Link {
  const verifier = randomBytes(32).toString('base64url')
  const parameters = {
    client_id: 'broker',
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid profile email groups offline_access',
    state: 'the state',
    nonce: 'the nonce',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...change,
  }
  return { url: `${idp.issuer}/authorize?${new URLSearchParams(parameters).toString()}`, verifier }
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, string>>
}

async function token(idp: IdentityProvider, parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const authorization = `Basic ${btoa('broker:a+secret')}`
  const response = await fetch(`${idp.issuer}/token`, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams(parameters),
  })
  return { status: response.status, body: await response.json() }
}

async function signedIn(idp: IdentityProvider, person: PersonKey): Promise<Readonly<Record<string, string>>> {
  const { url, verifier } = link(idp)
  const back = await signInAs(person, url)
  const code = back.searchParams.get('code') ?? ''
  const { status, body } = await token(idp, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: CALLBACK,
    code_verifier: verifier,
  })
  expect(status).toBe(200)
  return body
}

function refresh(idp: IdentityProvider, refreshToken: string | undefined): Promise<Answer> {
  return token(idp, { grant_type: 'refresh_token', refresh_token: refreshToken ?? '' })
}

describe('signing in', () => {
  test('goes from the link over the sign-in page to the client, with an ID token that says who it is', async () => {
    const idp = await started()
    const { url, verifier } = link(idp, { prompt: 'login consent' })
    const back = await signInAs('carol', url)
    expect(back.origin + back.pathname).toBe(CALLBACK)
    expect(back.searchParams.get('state')).toBe('the state')
    expect(back.searchParams.get('iss')).toBe(idp.issuer)

    const code = back.searchParams.get('code') ?? ''
    const { body } = await token(idp, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier })
    const discovered: Readonly<Record<string, string>> = await (
      await fetch(`${idp.issuer}/.well-known/openid-configuration`)
    ).json()
    const { payload } = await jwtVerify(body['id_token'] ?? '', createRemoteJWKSet(new URL(discovered['jwks_uri'] ?? '')), {
      issuer: idp.issuer,
      audience: 'broker',
    })
    expect(payload).toMatchObject({
      nonce: 'the nonce',
      email: 'carol@example.com',
      email_verified: true,
      name: 'Carol Cole',
      groups: ['admins', 'engineering'],
    })
    const userinfo = await fetch(discovered['userinfo_endpoint'] ?? '', {
      headers: { authorization: `Bearer ${body['access_token']}` },
    })
    expect(await userinfo.json()).toMatchObject({ sub: payload.sub, email: 'carol@example.com' })
  })

  test('asks again every time, so that one browser can be Alice now and Bob a minute later', async () => {
    const idp = await started()
    const browser = new Browser()
    await signInAs('alice', link(idp).url, { browser })
    const again = await browser.get(link(idp).url, { stopAt: CALLBACK })
    expect(again.forms.map(({ id }) => id)).toEqual(['sign-in'])
    expect(again.forms[0]?.buttons.map(({ id }) => id)).toEqual([
      'sign-in-alice',
      'sign-in-bob',
      'sign-in-carol',
      'sign-in-cancel',
    ])
  })

  test('cancelled by the person tells the client so', async () => {
    const idp = await started()
    const browser = new Browser()
    const page = await browser.get(link(idp).url)
    const form = page.forms[0]
    if (!form) throw new Error('no sign-in form')
    const back = await browser.submit(form, { cancel: 'yes' }, { stopAt: CALLBACK })
    expect(new URL(back.url).searchParams.get('error')).toBe('access_denied')
  })

  test('accepts any loopback redirect URI and no other', async () => {
    const idp = await started()
    const loopback = await signInAs('bob', link(idp, { redirect_uri: 'http://127.0.0.1:41234/anything' }).url)
    expect(loopback.port).toBe('41234')
    const elsewhere = await new Browser().get(link(idp, { redirect_uri: 'https://evil.example/callback' }).url)
    expect(elsewhere.status).toBe(400)
    expect(elsewhere.text).toContain('Demo identity provider')
  })
})

describe('refresh tokens', () => {
  test('rotate, and a used one ends the whole grant', async () => {
    const idp = await started()
    const first = await signedIn(idp, 'alice')
    const second = await refresh(idp, first['refresh_token'])
    expect(second.status).toBe(200)
    expect(second.body['refresh_token']).not.toBe(first['refresh_token'])

    expect(await refresh(idp, first['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await refresh(idp, second.body['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('survive a restart when there is a folder to keep them in', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'world-idp-'))
    try {
      const before = await startIdentityProvider({
        clientId: 'broker',
        clientSecret: 'a secret',
        redirectUris: [CALLBACK],
        dataDir,
      })
      const tokens = await signedIn(before, 'alice')
      await before.close()
      const after = await started({ dataDir, port: Number(new URL(before.issuer).port) })
      const { status, body } = await refresh(after, tokens['refresh_token'])
      expect(status).toBe(200)
      await jwtVerify(tokens['id_token'] ?? '', createRemoteJWKSet(new URL(`${after.issuer}/jwks`)), { issuer: after.issuer })
      expect(body['id_token']).toBeTruthy()
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  test('of a person who left are refused until they come back', async () => {
    const idp = await started()
    const tokens = await signedIn(idp, 'bob')
    idp.control.dropPerson('bob')
    expect(await refresh(idp, tokens['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    idp.control.restorePerson('bob')
    expect(await refresh(idp, tokens['refresh_token'])).toMatchObject({ status: 200 })
  })
})

describe('a test can', () => {
  test('hold token requests in flight and let them go together', async () => {
    const idp = await started()
    const hold = idp.control.hold('token')
    const answers = Promise.all([refresh(idp, 'one'), refresh(idp, 'two')])
    await hold.arrived
    await expect.poll(() => hold.waiting()).toBe(2)
    hold.release()
    expect((await answers).map(({ status }) => status)).toEqual([400, 400])
    expect(idp.control.calls.token).toBe(2)
  })

  test('lose an answer after the request was processed', async () => {
    const idp = await started()
    const tokens = await signedIn(idp, 'alice')
    idp.control.loseNextAnswer('token')
    await expect(refresh(idp, tokens['refresh_token'])).rejects.toThrow('fetch failed')
    // It was processed all the same: the token is spent.
    expect(await refresh(idp, tokens['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('make the next answer a failure, or take everything down', async () => {
    const idp = await started()
    idp.control.failNext('discovery', { status: 500 })
    const statuses = async (): Promise<number[]> => [
      (await fetch(`${idp.issuer}/.well-known/openid-configuration`)).status,
      (await fetch(`${idp.issuer}/.well-known/openid-configuration`)).status,
    ]
    expect(await statuses()).toEqual([500, 200])
    idp.control.down(true)
    expect(await statuses()).toEqual([503, 503])
    idp.control.down(false)
    expect(await statuses()).toEqual([200, 200])
  })

  test('rotate the signing keys with or without the old one', async () => {
    const idp = await started()
    const keyIds = async (): Promise<string[]> => {
      const { keys }: { keys: { kid: string }[] } = await (await fetch(`${idp.issuer}/jwks`)).json()
      return keys.map(({ kid }) => kid)
    }
    const [first] = await keyIds()
    await idp.control.rotateKeys()
    expect(await keyIds()).toEqual([expect.any(String), first])
    await idp.control.rotateKeys({ keepOld: false })
    expect(await keyIds()).not.toContain(first)
  })

  test('change what the ID token will say', async () => {
    const idp = await started()
    idp.control.changeEmail('alice', 'alice@new.example')
    idp.control.changeGroups('alice', ['sales'])
    const tokens = await signedIn(idp, 'alice')
    const { payload } = await jwtVerify(tokens['id_token'] ?? '', createRemoteJWKSet(new URL(`${idp.issuer}/jwks`)))
    expect(payload).toMatchObject({ email: 'alice@new.example', groups: ['sales'] })
  })
})
