// What a server is told about somebody in very many groups fits into its headers, and says that it is not all.
import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import type { Identity } from '../../../../src/caller.ts'
import { identityJwt } from '../../../../src/issuer/identity-jwt.ts'
import { keyRing } from '../../../../src/issuer/keys.ts'
import { identityHeaders } from '../../../../src/mcp/downstream/identity-headers.ts'
import { toldGroups } from '../../../../src/session/access/told-groups.ts'
import { readSettings } from '../../../../src/settings/settings.ts'

const named = (index: number): string => `0d7c8b1c-9f0f-4c0e-8a52-${String(index).padStart(12, '0')}`
const ENVIRONMENT = {
  BASE_URL: 'https://mcp.example.com',
  OAUTH_AUTHORIZE_URL: 'https://idp.example',
  OAUTH_CLIENT_ID: 'broker',
  ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
  ADMIN_GROUPS: named(4_000),
  DOWNSTREAMS: JSON.stringify([
    {
      name: 'wiki',
      url: 'https://wiki.example.com/mcp',
      allow: { groups: [named(199)] },
      tools: [{ groups: [named(198)] }],
    },
  ]),
}
const settings = readSettings(ENVIRONMENT)

function personIn(groups: number): Identity {
  const all = Array.from({ length: groups }, (_, index) => named(index))
  return { issuer: 'https://idp.example', subject: 'u-1', email: 'ada@example.com', name: 'Ada Lovelace', groups: all }
}

type Auth = 'identity-jwt' | 'access-service-token' | 'none' | 'idp-token'

async function sentTo(auth: Auth, identity: Identity, token = ''): Promise<Readonly<Record<string, string>>> {
  const isOurs = auth === 'identity-jwt' || auth === 'access-service-token'
  const told = toldGroups(identity, { auth }, settings, isOurs ? 0 : token.length * 2)
  if (!told) throw new Error('it does not fit')
  const { identity: keys } = await keyRing({ secret: settings.secret })
  const claims = {
    identity,
    groups: told.jwt,
    clientId: 'c'.repeat(40),
    grantId: 'g'.repeat(40),
    audience: 'https://wiki.example.com/mcp',
  }
  const jwt = isOurs && `Bearer ${await identityJwt(keys.active, 'https://mcp.example.com', claims, 0, 60)}`
  return identityHeaders({
    identity,
    groups: told.header,
    ...(jwt && { authorization: jwt }),
    ...(token !== '' && { authorization: `Bearer ${token}`, idpAccessToken: token }),
  })
}

function bytesOf(headers: Readonly<Record<string, string>>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
}
const groupsOf = (headers: Readonly<Record<string, string>>): readonly string[] => (headers['x-user-groups'] ?? '').split(',')
function claimsOf({ authorization }: Readonly<Record<string, string>>): object {
  return authorization === undefined ? {} : decodeJwt(authorization.slice('Bearer '.length))
}

test('somebody in a few groups is told whole, in the header and in the JWT', async () => {
  const headers = await sentTo('identity-jwt', personIn(40))
  expect(groupsOf(headers)).toEqual(personIn(40).groups)
  expect(claimsOf(headers)).toMatchObject({ groups: personIn(40).groups })
  expect(claimsOf(headers)).not.toHaveProperty('groups_truncated')
  expect(headers).not.toHaveProperty('x-user-groups-truncated')
})

test.for<[Auth, number]>([
  ['identity-jwt', 150],
  ['identity-jwt', 200],
  ['identity-jwt', 5_000],
  ['access-service-token', 500],
  ['none', 500],
  ['none', 5_000],
])('in mode %s what is said of somebody in %i groups fits into 8 KiB, those that rules name first', async ([auth, count]) => {
  const headers = await sentTo(auth, personIn(count))
  expect(bytesOf(headers)).toBeLessThan(7_500)
  const rules = [named(198), named(199), named(4_000)].filter((name) => personIn(count).groups.includes(name))
  expect(groupsOf(headers).slice(0, rules.length)).toEqual(rules)
  expect(groupsOf(headers).length).toBeGreaterThan(100)
  expect(headers['x-user-groups-truncated']).toBe(groupsOf(headers).length < count ? 'true' : undefined)
  expect(claimsOf(headers)).toMatchObject(auth === 'none' ? {} : { groups: rules, groups_truncated: true })
})

test.for([2_000, 6_000])('beside a token of the provider of %i bytes groups give way, and never all of them', async (bytes) => {
  const headers = await sentTo('idp-token', personIn(500), 't'.repeat(bytes))
  expect(bytesOf(headers)).toBeLessThan(bytes * 2 + 5_500)
  expect(groupsOf(headers).length).toBeGreaterThan(50)
  expect(headers['x-user-groups-truncated']).toBe('true')
})

test('a group of another provider than the rule’s is none that it names', () => {
  const stranger = { ...personIn(500), issuer: 'https://other.example' }
  expect(toldGroups(stranger, { auth: 'none' }, settings)?.header[0]).toBe(named(0))
})

test('what fits without any group into no header is told to nobody', () => {
  const identity = { ...personIn(0), subject: '人'.repeat(500) }
  expect(toldGroups(identity, { auth: 'identity-jwt' }, settings)).toBeUndefined()
})
