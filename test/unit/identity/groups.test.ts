// Where a provider has its groups, and how it writes them: found by the settings, and never more than was meant.
import { describe, expect, test } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import type { Identity } from '../../../src/caller.ts'
import { groupsIn } from '../../../src/identity/groups.ts'
import { identityProviderFor } from '../../../src/identity/identity-providers.ts'
import type { IdentityProviderSettings } from '../../../src/settings/providers.ts'
import { settingsFor, signedIn } from './logins.ts'
import { ScriptedProvider, without } from './scripted-provider.ts'

test.for<[string, unknown, readonly string[] | undefined]>([
  ['a list', ['a', 'b c', 7, null, ''], ['a', 'b c', '7', '']],
  ['one text', 'Domain Admins', ['Domain Admins']],
  ['a text with commas', 'a, b c,,d', ['a', 'b c', 'd']],
  ['JSON in a text', '["a","b"]', ['a', 'b']],
  ['a list of Amazon Cognito in a text', '[a, b c]', ['a', 'b c']],
  ['a name of a directory', 'CN=Admins,OU=Groups,DC=example', ['CN=Admins,OU=Groups,DC=example']],
  ['groups of SCIM', [{ value: 'g1', display: 'Admins' }, { display: 'Only shown' }], ['g1', 'Only shown']],
  ['one group of SCIM', { value: 'g1', display: 'Admins' }, ['g1']],
  ['groups with names', [{ name: 'a', id: '1' }], ['a']],
  ['roles of Zitadel', { admin: { 123: 'example.com' }, user: {} }, ['admin', 'user']],
  ['roles that somebody does not have', { admin: false, owner: null, user: true }, ['user']],
  ['nothing', undefined, undefined],
  ['a number', 5, ['5']],
])('%s', ([, claim, groups]) => {
  expect(groupsIn(claim)).toEqual(groups)
})

describe('somebody is in the groups', () => {
  const its = perTest(async (closing) => {
    const server = await closing(ScriptedProvider.start())
    return { server }
  })

  async function identityWith(claims: object, change: Partial<IdentityProviderSettings>): Promise<Identity> {
    its.server.account = { sub: 'person-1', email: 'ada@example.com', email_verified: true, name: 'Ada', ...claims }
    const provider = identityProviderFor({ ...settingsFor(its.server.issuer), ...change })
    return (await signedIn(provider, (url) => its.server.visit(url))).identity
  }

  test.for<[string, string, object, readonly string[]]>([
    ['of Amazon Cognito', 'cognito:groups', { 'cognito:groups': ['staff'] }, ['staff']],
    ['of Auth0', 'https://app.example/groups', { 'https://app.example/groups': ['staff'] }, ['staff']],
    ['of Keycloak', 'realm_access.roles', { realm_access: { roles: ['staff'] } }, ['staff']],
    ['of Zitadel', 'urn:zitadel:iam:org:project:roles', { 'urn:zitadel:iam:org:project:roles': { staff: {} } }, ['staff']],
    ['of the claim that is named, and of no other', 'roles', { roles: ['staff'], groups: ['admins'] }, ['staff']],
    ['of none where it is missing', 'roles', { groups: ['admins'] }, []],
  ])('%s', async ([, groupsClaim, claims, groups]) => {
    expect((await identityWith(claims, { groupsClaim })).groups).toEqual(groups)
  })

  test('that userinfo alone tells', async () => {
    its.server.script = { claims: without('roles') }
    expect((await identityWith({ roles: ['staff'] }, { groupsClaim: 'roles' })).groups).toEqual(['staff'])
  })

  test('that Access has under a name of its own', async () => {
    expect(
      await identityWith({ custom: { roles: ['staff'], groups: ['admins'] } }, { kind: 'access', groupsClaim: 'custom.roles' }),
    ).toMatchObject({
      groups: ['staff'],
      email: 'ada@example.com',
    })
  })

  test('once each, and in none whose name would be two of them where it is kept', async () => {
    expect((await identityWith({ groups: ['a', 'a', 'x\nadmins', 'y'.repeat(2_000)] }, {})).groups).toEqual(['a'])
  })

  test('unless there are more than anybody can be in', async () => {
    const groups = Array.from({ length: 5_001 }, (_, index) => `g${index}`)
    await expect(identityWith({ groups }, {})).rejects.toMatchObject({ reason: 'invalid' })
  })

  test('and a name of absurd length is cut, an address is none, a subject is nobody', async () => {
    const absurd = { name: 'n'.repeat(5_000), email: `${'e'.repeat(5_000)}@example.com` }
    expect(await identityWith(absurd, {})).toMatchObject({ name: 'n'.repeat(200), email: undefined })
    await expect(identityWith({ sub: 's'.repeat(5_000) }, {})).rejects.toMatchObject({ reason: 'invalid' })
  })
})
