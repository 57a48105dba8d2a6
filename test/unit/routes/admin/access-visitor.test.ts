// Administrators whom Cloudflare Access vouches for: who is let in, and that a page elsewhere can not borrow them.
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { app } from '../../../../src/app.ts'
import { BASE_URL, exampleDeployment } from '../example-deployment.ts'

const TEAM = 'https://team.cloudflareaccess.com'
const ACCESS = { ACCESS_TEAM_DOMAIN: 'team', ACCESS_AUD: 'portal' }
const key = await generateKeyPair('RS256')

beforeEach(() => {
  // The network, as far as this Worker may see it: Access publishes its keys, and nobody else is there.
  vi.stubGlobal('fetch', async (url: string) => {
    if (url !== `${TEAM}/cdn-cgi/access/certs`) throw new TypeError(`nobody is at ${url}`)
    return Response.json({ keys: [{ ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'RS256' }] })
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
})

async function ask(vars: object, headers: Readonly<Record<string, string>>, init: RequestInit = {}): Promise<Response> {
  const floor = app(await exampleDeployment(vars))
  const path = init.method === 'POST' ? '/revocations' : '/session'
  return await floor.request(`${BASE_URL}/admin/api${path}`, { ...init, headers })
}

async function assertion(claims: object = { email: 'Carol@example.com' }): Promise<Record<string, string>> {
  const signed = new SignJWT({ ...claims, type: 'app' }).setProtectedHeader({ alg: 'RS256', kid: 'one' }).setIssuedAt()
  const jwt = await signed.setIssuer(TEAM).setAudience('portal').setExpirationTime('1 minute').sign(key.privateKey)
  return { 'cf-access-jwt-assertion': jwt }
}

test('who Access lets through is an administrator, where nobody is listed', async () => {
  const answer = await ask(ACCESS, await assertion())
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { actor: 'access:Carol@example.com', actorName: 'Carol@example.com', via: 'access' },
  ])
  expect(answer.headers.get('set-cookie')).toBeNull()
})

const BY_GROUP = { ...ACCESS, ADMIN_GROUPS: 'admins' }
const KELVIN = { ...ACCESS, ADMIN_EMAILS: 'book@example.com' }
const GOOGLE = [{ name: 'google', url: 'https://accounts.google.com', client_id: 'g' }]
const TWO = { ...ACCESS, IDENTITY_PROVIDERS: JSON.stringify(GOOGLE) }

test.for<[string, object, object, number, string | undefined]>([
  [
    'who is listed, whatever the case',
    { ...ACCESS, ADMIN_EMAILS: 'carol@example.com' },
    { email: 'Carol@example.com' },
    200,
    undefined,
  ],
  ['who is not listed', { ...ACCESS, ADMIN_EMAILS: 'dave@example.com' }, { email: 'carol@example.com' }, 403, 'forbidden'],
  ['who is not listed, where a group is too', BY_GROUP, { email: 'mallory@example.com' }, 401, 'unauthorized'],
  ['who says that they are in the group', BY_GROUP, { email: 'mallory@example.com', groups: ['admins'] }, 401, 'unauthorized'],
  [
    'who is listed of another provider',
    { ...TWO, ADMIN_EMAILS: 'oauth:carol@example.com' },
    { email: 'carol@example.com' },
    403,
    'forbidden',
  ],
  ['who is listed by name', { ...TWO, ADMIN_EMAILS: 'access:carol@example.com' }, { email: 'carol@example.com' }, 200, undefined],
  ['whose address only looks like it', KELVIN, { email: 'boo\u212a@example.com' }, 403, 'forbidden'],
  ['a service token', ACCESS, { common_name: 'robot.access' }, 401, 'invalid_token'],
  ['anybody, while Access is not set up', {}, { email: 'carol@example.com' }, 401, 'unauthorized'],
])('%s', async ([, vars, claims, status, code]) => {
  const answer = await ask(vars, await assertion(claims))
  const { error } = await answer.json<{ error?: string }>()
  expect([answer.status, error]).toEqual([status, code])
})

test.for<[string, Record<string, string>, number, string]>([
  ['a form', { 'content-type': 'text/plain' }, 400, 'invalid_request'],
  ['a page of another origin', { 'content-type': 'application/json', origin: 'https://evil.example' }, 403, 'forbidden_origin'],
  ['a page of another site', { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' }, 403, 'forbidden_origin'],
])('%s can not use the session that Access keeps in her browser', async ([, headers, status, code]) => {
  const body = JSON.stringify({ target: { what: 'everyone' }, reason: 'an attack' })
  const answer = await ask(ACCESS, { ...(await assertion()), ...headers }, { method: 'POST', body })
  const { error } = await answer.json<{ error?: string }>()
  expect([answer.status, error]).toEqual([status, code])
})

test('keys that can not be fetched are an outage, and nobody is let in', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('down')))
  const answer = await ask(ACCESS, await assertion())
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '30'])
})
