// Access tokens that are no more than a JWT by their header, as many issuers make them: told by their claims, and never taken for ID tokens.
import { describe, expect, test } from 'vitest'
import { statementReaders } from '../../../src/identity/subject-tokens.ts'
import type { StatementKind, Verdict } from '../../../src/session/contract/subject-token.ts'
import type { Claims } from '../../world/trusted-issuer.ts'
import { eachWithIssuer, now } from './with-issuer.ts'

const its = eachWithIssuer()

async function read(claims: Claims, kind: StatementKind): Promise<Verdict> {
  const settings = { subjects: { issuer: its.issuer.issuer, audiences: ['broker'] }, assertionIssuers: [], longestSession: 3_600 }
  const { subject } = statementReaders(settings, { broker: 'https://mcp.example.com', providers: [], now })
  if (!subject) throw new Error('it was configured')
  return await subject(await its.issuer.sign(claims, { typ: 'JWT' }), kind)
}

describe('a token that is no more than a JWT by its header ends what it is exchanged for', () => {
  test.for<[string, Claims, StatementKind, boolean]>([
    ['with it, where it is an access token of Keycloak', { typ: 'Bearer', azp: 'app' }, 'jwt', true],
    ['with it, where it is called what it is', { typ: 'Bearer', azp: 'app' }, 'access_token', true],
    ['with it, where it is an access token of Amazon Cognito', { token_use: 'access' }, 'jwt', true],
    ['with it, where it has a scope, as at Auth0', { scope: 'read write' }, 'id_token', true],
    ['with it, where it has scopes, as at Okta and Entra', { scp: ['read'] }, 'jwt', true],
    ['later, where it is an ID token of Keycloak', { typ: 'ID' }, 'id_token', false],
    ['later, where it says nothing', {}, 'jwt', false],
  ])('%s', async ([, claims, kind, isAccessToken]) => {
    expect(await read(claims, kind)).toMatchObject({ verified: true, statement: { isAccessToken } })
  })
})

describe('a token that is no more than a JWT by its header is not believed when', () => {
  test.for<[string, Claims, StatementKind]>([
    ['it is an access token of Keycloak that is called an ID token', { typ: 'Bearer' }, 'id_token'],
    ['it is an access token of Amazon Cognito that is called an ID token', { token_use: 'access' }, 'id_token'],
    ['it is a refresh token of Keycloak', { typ: 'Refresh' }, 'jwt'],
    ['it is an offline token of Keycloak', { typ: 'Offline' }, 'jwt'],
    ['it calls itself a logout token', { typ: 'Logout' }, 'jwt'],
    ['it registers a client at Keycloak', { typ: 'RegistrationAccessToken' }, 'jwt'],
    ['it has scopes, and was issued to another party', { scope: 'openid', azp: 'another' }, 'jwt'],
  ])('%s', async ([, claims, kind]) => {
    expect(await read(claims, kind)).toEqual({ verified: false, refusal: 'invalid', why: expect.any(String) })
  })
})
