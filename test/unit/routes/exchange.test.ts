// What /token and /.sts refuse of tokens of other issuers before any object is asked, in which words, and what is closed until it is configured.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { app } from '../../../src/app.ts'
import { newClientId } from '../../../src/oauth/client-auth/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { TrustedIssuer } from '../../world/trusted-issuer.ts'
import { BASE_URL, exampleDeployment } from './example-deployment.ts'

const TYPE = 'urn:ietf:params:oauth:token-type:'
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

beforeAll(() => {
  for (const level of ['info', 'error'] as const) vi.spyOn(console, level).mockReturnValue()
})
const the = fixture(async (closing) => {
  const issuer = await closing(TrustedIssuer.start())
  return { issuer }
})
afterAll(() => void vi.restoreAllMocks())

const now = (): number => Math.floor(Date.now() / 1000)

async function broker(vars: object = {}) {
  const services = await exampleDeployment({ AUTH_ISSUER: the.issuer.issuer, AUTH_AUDIENCE: 'broker', ...vars })
  const { signedTokens } = services
  const floor = app(services)
  const clientId = await newClientId(services.keys.current, 'none')
  return {
    ask: async (path: string, init: RequestInit = {}) => await floor.request(BASE_URL + path, init),
    clientId,
    signedTokens,
  }
}

interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

type Given = Readonly<Record<string, string | undefined>>

function form(given: Given): URLSearchParams {
  return new URLSearchParams(Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

async function exchanged(given: Given, vars: object = {}): Promise<Refusal> {
  const { ask, clientId } = await broker(vars)
  const usual = { client_id: clientId, grant_type: EXCHANGE, subject_token_type: `${TYPE}id_token`, subject_token: 'not.a.token' }
  const answer = await ask('/token', { method: 'POST', body: form({ ...usual, ...given }) })
  const { error, error_description: description } = JSON.parse(await answer.text())
  return { status: answer.status, code: error, message: description }
}

const ROLE: Given = {
  Action: 'AssumeRoleWithWebIdentity',
  Version: '2011-06-15',
  RoleArn: '_default',
  WebIdentityToken: 'not.a.token',
}

async function assumed(given: Given, vars: object = {}): Promise<Refusal> {
  const { ask } = await broker(vars)
  const headers = { accept: 'application/json' }
  const answer = await ask('/.sts', { method: 'POST', body: form({ ...ROLE, ...given }), headers })
  const { Error: error } = JSON.parse(await answer.text())
  return { status: answer.status, code: error.Code, message: error.Message }
}

describe('an exchange at /token is refused when', () => {
  test.for<[string, Given, string, RegExp]>([
    ['the token is not valid', {}, 'invalid_request', /^subject_token is not valid here$/],
    ['the token is missing', { subject_token: undefined }, 'invalid_request', /^subject_token is not valid here$/],
    ['its type is missing', { subject_token_type: undefined }, 'invalid_request', /subject_token_type/],
    ['its type is one nobody reads here', { subject_token_type: `${TYPE}saml2` }, 'invalid_request', /subject_token_type/],
    ['another kind of token is asked for', { requested_token_type: `${TYPE}id-jag` }, 'invalid_request', /requested_token_type/],
    [
      'somebody shall act for the subject',
      { actor_token: 'x', actor_token_type: `${TYPE}jwt` },
      'invalid_request',
      /actor_token/,
    ],
    ['it is for a resource nobody serves here', { resource: 'https://elsewhere.example/mcp' }, 'invalid_target', /Use one of/],
    ['it is for an audience nobody serves here', { audience: 'elsewhere' }, 'invalid_target', /Use one of/],
    ['it is for a scope the resource has not', { scope: 'mcp admin' }, 'invalid_scope', /are mcp$/],
    ['the client does not exist', { client_id: 'pub_invented' }, 'invalid_client', /Client not found/],
  ])('%s', async ([, given, code, message]) => {
    expect(await exchanged(given)).toEqual({
      status: code === 'invalid_client' ? 401 : 400,
      code,
      message: expect.stringMatching(message),
    })
  })

  test('the server behind it wants a person who has signed in', async () => {
    expect(await exchanged({}, { DOWNSTREAM_AUTH: 'idp-token' })).toMatchObject({ status: 400, code: 'invalid_target' })
    expect(await assumed({}, { DOWNSTREAM_AUTH: 'idp-token' })).toMatchObject({ status: 400, code: 'ValidationError' })
  })

  test('the subject token is a token of this broker', async () => {
    const { signedTokens } = await broker()
    const facts = { sub: 's', grantId: 'g', clientId: 'c', resource: `${BASE_URL}/mcp`, scopes: ['mcp'], generation: 1 }
    const own = await signedTokens.accessToken({ ...facts, issuedAt: now(), endsAt: now() + 60 }, 60)
    const type = { subject_token: own, subject_token_type: `${TYPE}access_token` }
    expect(await exchanged(type)).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  test('the keys of the issuer can not be had: nothing is known, and another try may help', async () => {
    const away = { AUTH_ISSUER: 'http://127.0.0.1:9' }
    const token = await the.issuer.sign({ iss: 'http://127.0.0.1:9' })
    expect(await exchanged({ subject_token: token }, away)).toMatchObject({ status: 503, code: 'temporarily_unavailable' })
    expect(await assumed({ WebIdentityToken: token }, away)).toMatchObject({ status: 503, code: 'IDPCommunicationError' })
  })
})

describe('a role is not assumed at /.sts when', () => {
  test.for<[string, Given, string]>([
    ['nothing is asked for', { Action: undefined }, 'MissingAction'],
    ['something else is asked for', { Action: 'GetCallerIdentity' }, 'InvalidAction'],
    ['it is asked for in another version', { Version: '2010-05-08' }, 'ValidationError'],
    ['the role is missing', { RoleArn: undefined }, 'ValidationError'],
    ['the role is no server', { RoleArn: 'arn:aws:iam::123456789012:role/admin' }, 'ValidationError'],
    ['the token is missing', { WebIdentityToken: undefined }, 'ValidationError'],
    ['the token is not valid', {}, 'InvalidIdentityToken'],
    ['the name of the session is none', { RoleSessionName: '<script>' }, 'ValidationError'],
    ['it shall last for less than 15 minutes', { DurationSeconds: '899' }, 'ValidationError'],
    ['it shall last for longer than is allowed', { DurationSeconds: '3601' }, 'ValidationError'],
    ['its length is no number', { DurationSeconds: '1e3' }, 'ValidationError'],
    ['a policy shall narrow it', { Policy: '{}' }, 'ValidationError'],
    ['another provider is named', { ProviderId: 'www.amazon.com' }, 'ValidationError'],
  ])('%s', async ([, given, code]) => {
    expect(await assumed(given)).toEqual({ status: 400, code, message: expect.any(String) })
  })

  test('the token has expired', async () => {
    const token = await the.issuer.sign({ iat: now() - 900, exp: now() - 61 })
    expect(await assumed({ WebIdentityToken: token })).toMatchObject({ status: 400, code: 'ExpiredTokenException' })
  })

  test('its length is within what the operator allows, and beyond what AWS does', async () => {
    const longest = { STS_MAX_SESSION_DURATION_SECS: '43200' }
    expect(await assumed({ DurationSeconds: '43200' }, longest)).toMatchObject({ status: 400, code: 'InvalidIdentityToken' })
    expect(await assumed({ DurationSeconds: '43201' }, longest)).toMatchObject({ status: 400, code: 'ValidationError' })
  })

  test('and the refusal has the form AWS gives it', async () => {
    const { ask } = await broker()
    const answer = await ask('/.sts/', { method: 'POST', body: form(ROLE) })
    const id = answer.headers.get('x-request-id')
    expect(answer.headers.get('content-type')).toBe('text/xml; charset=utf-8')
    expect(await answer.text()).toBe(
      `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>the web identity token is not valid here</Message></Error><RequestId>${id}</RequestId></ErrorResponse>`,
    )
  })
})

describe('where no audience is configured', () => {
  const CLOSED = { AUTH_AUDIENCE: undefined }
  test.for<[string, object]>([
    ['the issuer alone', CLOSED],
    ['nothing at all', { AUTH_ISSUER: undefined, AUTH_AUDIENCE: undefined }],
  ])('%s opens neither way, whatever is shown', async ([, vars]) => {
    const token = await the.issuer.sign()
    expect(await assumed({ WebIdentityToken: token }, vars)).toMatchObject({ status: 501, code: 'NotImplemented' })
    expect(await exchanged({ subject_token: token }, vars)).toMatchObject({ status: 400, code: 'unsupported_grant_type' })
    const { ask } = await broker(vars)
    const metadata = await (await ask('/.well-known/oauth-authorization-server')).json()
    expect(metadata).toMatchObject({ grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'] })
    expect(metadata).not.toHaveProperty('authorization_grant_profiles_supported')
  })

  test('assertions are closed on their own, although subject tokens are taken', async () => {
    expect(await exchanged({ grant_type: JWT_BEARER, assertion: await the.issuer.sign() })).toMatchObject({
      status: 400,
      code: 'unsupported_grant_type',
    })
  })
})

describe('the ways around it are closed:', () => {
  test('attack 38: parameters in the query and in the form do not contradict each other', async () => {
    const { ask } = await broker()
    const query = `?WebIdentityToken=${await the.issuer.sign({ aud: 'another' })}`
    const answer = await ask(`/.sts${query}`, {
      method: 'POST',
      body: form({ ...ROLE, WebIdentityToken: await the.issuer.sign() }),
    })
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining('WebIdentityToken was given more than once'),
    ])
  })

  test('attack 39: a parameter in another case is another parameter, and a claim that comes twice is read once', async () => {
    expect(await assumed({ WebIdentityToken: undefined, webidentitytoken: await the.issuer.sign() })).toMatchObject({
      status: 400,
      code: 'ValidationError',
    })
    const [, claims = '', signature = ''] = (await the.issuer.sign()).split('.')
    const twice = Buffer.from(`{"alg":"RS256","kid":"${the.issuer.key.kid}","alg":"none"}`).toString('base64url')
    expect(await assumed({ WebIdentityToken: `${twice}.${claims}.${signature}` })).toMatchObject({
      status: 400,
      code: 'InvalidIdentityToken',
    })
  })

  test('attack 40: one request carries one token', async () => {
    const { ask, clientId } = await broker()
    const body = form({ client_id: clientId, grant_type: EXCHANGE, subject_token_type: `${TYPE}id_token`, subject_token: 'a' })
    body.append('subject_token', await the.issuer.sign())
    const answer = await ask('/token', { method: 'POST', body })
    expect(await answer.json()).toMatchObject({
      error: 'invalid_request',
      error_description: 'subject_token was given more than once',
    })
    const list = await ask('/.sts', { method: 'POST', body: '[]', headers: { 'content-type': 'application/json' } })
    expect([list.status, await list.text()]).toEqual([400, expect.stringContaining('<Code>ValidationError</Code>')])
  })

  test.for(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH'])('attack 41: %s is not a way to ask', async (method) => {
    const { ask } = await broker()
    for (const path of ['/.sts', '/.sts/']) {
      const answer = await ask(`${path}?${form(ROLE).toString()}`, { method })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    }
  })

  test.for(['//.sts', '/.sts//', '/.sts/x', '/%2e%2fsts', '/.STS'])('attack 41: nothing is at %s', async (path) => {
    const { ask } = await broker()
    expect((await ask(path, { method: 'POST', body: form(ROLE) })).status).toBe(404)
  })

  test('a form of more than 64 KiB is not read', async () => {
    const { ask } = await broker()
    const answer = await ask('/.sts', { method: 'POST', body: form({ ...ROLE, filling: 'x'.repeat(70_000) }) })
    expect([answer.status, await answer.text()]).toEqual([413, expect.stringContaining('<Code>ValidationError</Code>')])
  })

  test('a page elsewhere learns what the path accepts, and no more; one that is not listed may not ask', async () => {
    const { ask } = await broker()
    const preflight = await ask('/.sts', { method: 'OPTIONS', headers: { 'access-control-request-method': 'DELETE' } })
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'POST, OPTIONS'])
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    const answer = await ask('/.sts', { method: 'POST', body: form(ROLE), headers: { origin: 'https://evil.example' } })
    expect(answer.status).toBe(403)
  })
})
