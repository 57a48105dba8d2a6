// Where people sign in with an issuer whose tokens are exchanged too, both are about the same person, and the same people are let in.
import { expect, test } from 'vitest'
import { identityProviderFor } from '../../../src/identity/identity-providers.ts'
import { statementReaders } from '../../../src/identity/subject-tokens.ts'
import type { Verdict } from '../../../src/session/contract/subject-token.ts'
import type { IdentityProviderSettings } from '../../../src/settings/providers.ts'
import type { Claims } from '../../world/trusted-issuer.ts'
import { eachWithIssuer, now } from './with-issuer.ts'

const TENANT = '7e1f0c1e-0b6c-4f7a-9a43-0f4d8c3b2a10'

const its = eachWithIssuer()

/** What a token of `url` with these claims says, where people sign in with a provider of that kind and that issuer. */
async function reading(
  kind: IdentityProviderSettings['kind'],
  claims: Claims,
  restrictedTo: readonly string[] = [],
  url = its.issuer.issuer + its.issuer.path,
): Promise<Verdict> {
  const common = { name: 'default', clientId: 'broker', clientSecret: 'secret', scopes: ['openid'], callback: '/callback' }
  const provider = identityProviderFor({ ...common, kind, url, restrictedTo })
  const signing = its.issuer.issuer + its.issuer.path
  const settings = { subjects: { issuer: signing, audiences: ['broker'] }, assertionIssuers: [], longestSession: 3_600 }
  const { subject } = statementReaders(settings, { broker: 'https://mcp.example.com', providers: [provider], now })
  if (!subject) throw new Error('it was configured')
  return await subject(await its.issuer.sign({ iss: signing, ...claims }), 'id_token')
}

test('Entra names people by oid, and an address that nobody has verified is none', async () => {
  its.issuer.path = `/${TENANT}/v2.0`
  const guest = { sub: 'pairwise', oid: 'the object', email: 'ceo@example.com', idp: 'https://elsewhere.example', groups: ['g'] }
  expect(await reading('entra', guest)).toMatchObject({
    verified: true,
    statement: { identity: { subject: 'the object', email: undefined, groups: ['g'] }, saysGroups: true },
  })
  expect(await reading('entra', { ...guest, oid: undefined })).toMatchObject({ refusal: 'invalid', why: 'the token has no oid' })
})

test.for([
  ['https://sts.windows.net/', 'https://login.microsoftonline.com'],
  ['https://sts.windows.net/', 'https://login.microsoftonline.us'],
  ['https://sts.chinacloudapi.cn/', 'https://login.partner.microsoftonline.cn'],
] as const)('Entra means the same people by tokens of its first version (%s at %s)', ([sts, origin]) => {
  const common = { name: 'entra', clientId: 'broker', clientSecret: 'secret', scopes: ['openid'], callback: '/callback' }
  const provider = identityProviderFor({ ...common, kind: 'entra', url: `${origin}/${TENANT}/v2.0`, restrictedTo: [] })
  const signedIn = `${origin}/${TENANT}/v2.0`
  expect([`${sts}${TENANT}/`, `${sts}${TENANT}`, signedIn].map((named) => provider.signInIssuer?.(named))).toEqual([
    signedIn,
    signedIn,
    signedIn,
  ])
  const other = TENANT.replace('7', '8')
  for (const named of [`${sts}${other}/`, `${sts}${TENANT}/x`, `https://sts.windows.net.evil.example/${TENANT}/`, ''])
    expect(provider.signInIssuer?.(named)).toBeUndefined()
})

test('a person of Entra is the same whichever version of a token names them, so that who is blocked stays out', async () => {
  its.issuer.path = `/${TENANT}`
  const signedIn = `${its.issuer.issuer}/${TENANT}/v2.0`
  const claims = { iss: its.issuer.issuer + its.issuer.path, sub: 'pairwise of another client', oid: 'the object' }
  expect(await reading('entra', claims, [], signedIn)).toMatchObject({
    verified: true,
    statement: { identity: { issuer: signedIn, subject: 'the object' } },
  })
})

test('of Entra, groups that did not fit into the token are not said to be none', async () => {
  its.issuer.path = `/${TENANT}/v2.0`
  const many = {
    oid: 'the object',
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: 'https://graph.example' } },
  }
  expect(await reading('entra', many)).toMatchObject({ verified: true, statement: { saysGroups: false } })
})

test('Google lets in the domain it lets in there, and says nothing about groups', async () => {
  const domains = ['example.com']
  expect(await reading('google', { hd: 'example.com' }, domains)).toMatchObject({
    verified: true,
    statement: { saysGroups: false },
  })
  for (const hd of ['elsewhere.example', undefined])
    expect(await reading('google', { hd }, domains)).toMatchObject({
      refusal: 'invalid',
      why: expect.stringMatching(/may sign in/),
    })
})

test('groups are where Access puts them', async () => {
  expect(await reading('access', { custom: { groups: ['staff'] } })).toMatchObject({
    verified: true,
    statement: { identity: { groups: ['staff'] }, saysGroups: true },
  })
})
