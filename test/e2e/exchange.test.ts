// Tokens of a trusted issuer become access tokens: at /token, at /.sts and for a client the identity provider has named; and end as those do.
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { type Answer, BrokerClient, type Changes, countForLong, errorOf, statusWith } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { TrustedIssuer } from '../world/trusted-issuer.ts'
import { startWorld } from '../world/world.ts'

const TYPE = 'urn:ietf:params:oauth:token-type:'
const AUDIENCE = 'build-system'
const now = (): number => Math.floor(Date.now() / 1000)

const the = fixture(async (closing) => {
  const issuer = await closing(TrustedIssuer.start())
  const world = await closing(
    startWorld({
      overrides: {
        AUTH_ISSUER: issuer.issuer,
        AUTH_AUDIENCE: `other, ${AUDIENCE}`,
        ID_JAG_ISSUERS: issuer.issuer,
        // Nothing is asked of it here; it is for some people only.
        DOWNSTREAMS: JSON.stringify([
          { name: 'wiki', url: 'http://127.0.0.1:9/mcp', allow: { groups: [`${issuer.issuer}:writers`] } },
        ]),
      },
    }),
  )
  const client = await BrokerClient.register(world.brokerUrl)
  const confidential = await BrokerClient.register(world.brokerUrl, { token_endpoint_auth_method: 'client_secret_post' })
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  return { issuer, world, client, confidential, carol }
})

/** Somebody who was never seen before: tests of one broker do not meet each other. */
const someone = (): string => `build-${randomUUID()}`

const BUILD = { email: 'build@example.com', email_verified: true, name: 'Build' }

async function idToken(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return await the.issuer.sign({ aud: AUDIENCE, sub: someone(), ...BUILD, ...claims })
}

async function exchanged(subjectToken: string, changes: Changes = {}, as = the.client): Promise<Answer> {
  return await as.token({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: `${TYPE}id_token`,
    resource: the.world.mcpUrl,
    ...changes,
  })
}

const accessTokenOf = ({ text }: Answer): string => JSON.parse(text).access_token

async function assumed(parameters: Record<string, string>, init: RequestInit = {}): Promise<Response> {
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: '_default',
    ...parameters,
  })
  return await fetch(`${the.world.brokerUrl}/.sts`, { method: 'POST', body, ...init })
}

describe('a token of the issuer', () => {
  test('becomes an access token for one resource, without a refresh token, that calls tools as its subject', async () => {
    const answer = await exchanged(await idToken({ sub: 'repo:octo/app', name: 'Octo' }))
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: `${TYPE}access_token`,
        token_type: 'Bearer',
        expires_in: 3600,
        scope: 'mcp',
      },
    ])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await statusWith(the.world.mcpUrl, accessTokenOf(answer))).toBe(200)
    const seen = await the.world.downstream.requests.find(({ headers }) => headers['x-user-sub'] === 'repo:octo/app')
    expect(seen.headers['x-user-email']).toBe('build@example.com')
  })

  test('that is an access token ends what comes of it: nobody acts for longer than its issuer allowed', async () => {
    const subject = await the.issuer.sign({ aud: AUDIENCE, sub: someone(), exp: now() + 120 }, { typ: 'at+jwt' })
    const answer = await exchanged(subject, { subject_token_type: `${TYPE}access_token` })
    expect(JSON.parse(answer.text).expires_in).toBeLessThanOrEqual(120)
  })

  test('shows among the people, and opens nothing again that an administrator has ended', async () => {
    const subject = await idToken({ sub: 'repo:octo/revoked', name: 'Revoked' })
    const token = accessTokenOf(await exchanged(subject))
    const stream = await countForLong(the.world.mcpUrl, token)
    const { people: found } = await the.carol.see('/people?search=Revoked')
    expect(found).toMatchObject([{ name: 'Revoked', liveGrants: 1 }])

    expect(await the.carol.revoke({ what: 'person', sub: found[0].sub })).toMatchObject({ grants: 1, streams: 1 })
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(stream.text).toContain('closed: credential_revoked')
    expect(await statusWith(the.world.mcpUrl, token)).toBe(401)
    expect(errorOf(await exchanged(subject))).toBe('invalid_request')
    // Nor, for a minute, what is signed afterwards: by clocks that may differ by as much nobody can tell what came first.
    expect(errorOf(await exchanged(await idToken({ sub: 'repo:octo/revoked' })))).toBe('invalid_request')
  })

  test('is ended by its client too, and belongs to that client alone', async () => {
    const token = accessTokenOf(await exchanged(await idToken()))
    await the.confidential.revoke(token)
    expect(await statusWith(the.world.mcpUrl, token)).toBe(200)
    await the.client.revoke(token)
    expect(await statusWith(the.world.mcpUrl, token)).toBe(401)
  })
})

describe('POST /.sts', () => {
  test('answers like AWS STS, and its session token is an access token', async () => {
    const token = await idToken({ sub: 'repo:octo/<app>' })
    const answer = await assumed({ RoleSessionName: 'run-7', WebIdentityToken: token, DurationSeconds: '900' })
    const xml = await answer.text()
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8'])
    expect(xml.replaceAll(/<(SessionToken|SecretAccessKey|AccessKeyId|Expiration|RequestId)>[^<]+</g, '<$1>…<')).toBe(
      [
        '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>',
        `<SubjectFromWebIdentityToken>repo:octo/&#60;app&#62;</SubjectFromWebIdentityToken><Audience>${AUDIENCE}</Audience>`,
        '<AssumedRoleUser><Arn>arn:aws:sts::000000000000:assumed-role/mcp/run-7</Arn><AssumedRoleId>mcp:run-7</AssumedRoleId></AssumedRoleUser>',
        '<Credentials><SessionToken>…</SessionToken><SecretAccessKey>…</SecretAccessKey><Expiration>…</Expiration>',
        `<AccessKeyId>…</AccessKeyId></Credentials><Provider>${the.issuer.issuer}</Provider></AssumeRoleWithWebIdentityResult>`,
        '<ResponseMetadata><RequestId>…</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>',
      ].join(''),
    )
    const [, expiration = ''] = /<Expiration>([^<]+)</.exec(xml) ?? []
    expect(expiration).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(Math.abs(Date.parse(expiration) / 1000 - now() - 900)).toBeLessThan(5)
    const [, sessionToken = ''] = /<SessionToken>([^<]+)</.exec(xml) ?? []
    expect(await statusWith(the.world.mcpUrl, sessionToken)).toBe(200)
  })

  test('takes everything from the query, with a slash at the end, an ARN for SDKs that insist on one, and answers in JSON', async () => {
    const query = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: 'arn:aws:iam::000000000000:role/_default',
      WebIdentityToken: await idToken(),
    })
    const answer = await fetch(`${the.world.brokerUrl}/.sts/?${query.toString()}`, {
      method: 'POST',
      headers: { accept: 'application/json' },
    })
    const { AssumeRoleWithWebIdentityResponse: said } = JSON.parse(await answer.text())
    const { Credentials } = said.AssumeRoleWithWebIdentityResult
    expect(Math.abs(Credentials.Expiration - now() - 3_600)).toBeLessThan(5)
    expect(said.ResponseMetadata.RequestId).toBe(answer.headers.get('x-request-id'))
    expect(await statusWith(the.world.mcpUrl, Credentials.SessionToken)).toBe(200)
  })

  test('whose session token is revoked by whoever holds it is over, and is among the clients that can be blocked', async () => {
    const webIdentity = await idToken()
    const answer = await assumed({ WebIdentityToken: webIdentity }, { headers: { accept: 'application/json' } })
    const { AssumeRoleWithWebIdentityResponse: said } = JSON.parse(await answer.text())
    const { SessionToken: token } = said.AssumeRoleWithWebIdentityResult.Credentials
    const stream = await countForLong(the.world.mcpUrl, token)
    const revoked = await fetch(`${the.world.brokerUrl}/revoke`, { method: 'POST', body: new URLSearchParams({ token }) })
    expect([revoked.status, await revoked.text()]).toEqual([200, ''])
    expect(await stream.endsWithin(1_000)).toBe(true)
    expect(await statusWith(the.world.mcpUrl, token)).toBe(401)
    const again = new URLSearchParams({ token, token_type_hint: 'access_token' })
    expect((await fetch(`${the.world.brokerUrl}/revoke`, { method: 'POST', body: again })).status).toBe(200)
    await expect
      .poll(async () => (await the.carol.see('/clients?search=sts')).clients)
      .toMatchObject([{ id: 'sts', name: 'Temporary credentials', knownBy: 'sts', isBlocked: false }])
  })

  test('opens a server that is for some people only to those, by what the token says of them', async () => {
    const asked = { RoleArn: 'wiki', WebIdentityToken: await idToken({ sub: 'reader', groups: ['readers'] }) }
    const refused = await assumed(asked)
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')])
    const writer = await idToken({ sub: 'writer', groups: ['writers'] })
    expect((await assumed({ RoleArn: 'wiki', WebIdentityToken: writer })).status).toBe(200)
    const resource = `${the.world.brokerUrl}/servers/wiki/mcp`
    expect((await exchanged(writer, { resource })).status).toBe(200)
    expect(errorOf(await exchanged(asked.WebIdentityToken, { resource }))).toBe('invalid_request')
  })

  test('refuses a person whom an administrator has blocked', async () => {
    const token = await idToken({ name: 'Blocked build' })
    expect((await assumed({ WebIdentityToken: token })).status).toBe(200)
    const shown = async (): Promise<unknown> => (await the.carol.see('/people?search=Blocked')).people
    await expect.poll(shown).toHaveLength(1)
    await the.carol.act(`/people/${await the.carol.subOf('Blocked build')}/block`, { reason: 'a test' })
    const answer = await assumed({ WebIdentityToken: token })
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('<Code>AccessDenied</Code>')])
    expect(JSON.parse((await exchanged(token)).text)).toMatchObject({
      error: 'invalid_request',
      error_description: 'an administrator has blocked this person',
    })
  })
})

async function granted(assertion: string, as = the.confidential, changes: Changes = {}): Promise<Answer> {
  return await as.token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion, ...changes })
}

describe('an assertion of the identity provider for a client', () => {
  const JAG = { typ: 'oauth-id-jag+jwt' }
  const idJag = async (claims: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    await the.issuer.sign(
      {
        aud: the.world.brokerUrl,
        sub: someone(),
        client_id: the.confidential.clientId,
        resource: the.world.mcpUrl,
        scope: 'mcp',
        jti: crypto.randomUUID(),
        ...claims,
      },
      JAG,
    )

  test('becomes an access token without a refresh token, and the metadata says so', async () => {
    const answer = await granted(await idJag())
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      { access_token: expect.any(String), token_type: 'Bearer', expires_in: 3600, scope: 'mcp' },
    ])
    expect(await statusWith(the.world.mcpUrl, accessTokenOf(answer))).toBe(200)
    const metadata = await fetch(`${the.world.brokerUrl}/.well-known/oauth-authorization-server`)
    expect(await metadata.json()).toMatchObject({
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      grant_types_supported: expect.arrayContaining([
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ]),
    })
  })

  test('is good once: of twenty at the same time one is granted, and none after the runtime was killed', async () => {
    const assertion = await idJag()
    const answers = await Promise.all(Array.from({ length: 20 }, () => granted(assertion)))
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([200, ...Array(19).fill(400)])
    await the.world.restartRuntime()
    expect(errorOf(await granted(assertion))).toBe('invalid_grant')
  })

  test.for<[string, Readonly<Record<string, unknown>>, Changes, string]>([
    ['for another client', { client_id: 'another' }, {}, 'invalid_grant'],
    ['for a resource nobody serves here', { resource: 'https://elsewhere.example/mcp' }, {}, 'invalid_grant'],
    ['with scopes the resource has not', { scope: 'mcp everything' }, {}, 'invalid_grant'],
    ['that is asked to do more than it says', {}, { scope: 'everything' }, 'invalid_scope'],
    ['that is asked for another resource', {}, { resource: 'https://elsewhere.example/mcp' }, 'invalid_target'],
  ])('is refused %s', async ([, claims, changes, code]) => {
    const answer = await granted(await idJag(claims), the.confidential, changes)
    expect([answer.status, errorOf(answer)]).toEqual([400, code])
  })

  test('is refused to a client that does not authenticate', async () => {
    const answer = await granted(await idJag({ client_id: the.client.clientId }), the.client)
    expect([answer.status, errorOf(answer)]).toEqual([400, 'unauthorized_client'])
  })
})
