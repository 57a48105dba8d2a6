// Programs without a person to ask get the scopes that nobody has to be asked about, and further ones only where they are named.
import { expect, test, vi } from 'vitest'
import { SignedTokens } from '../../../src/oauth/tokens/signed-tokens.ts'
import { MachineTokens } from '../../../src/oauth/tokens/machine-tokens.ts'
import { assumeRole } from '../../../src/oauth/web-identity.ts'
import { createMachine } from '../../../src/routes/admin/machines.ts'
import { foundation } from '../../../src/services.ts'

const NOW = 1_800_000_000
const BASE_URL = 'https://mcp.example.com'
const base = await foundation({
  BASE_URL,
  OAUTH_AUTHORIZE_URL: 'https://idp.example',
  OAUTH_CLIENT_ID: 'broker',
  ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  DOWNSTREAMS: JSON.stringify([
    {
      name: 'tickets',
      url: 'https://tickets.example.com/mcp',
      tool_scopes: { 'close_*': 'tickets:close', 'purge_*': 'tickets:purge' },
    },
    { name: 'wiki', url: 'https://wiki.example.com/mcp', tool_scopes: { 'edit_*': 'wiki:edit' } },
  ]),
})
const machines = new MachineTokens(base.keys, BASE_URL)

const directory = (): object => ({ keepMachine: async () => ({ id: 'receipt' }) })

async function grantsOf(toolScopes?: readonly string[]): Promise<readonly (readonly string[])[]> {
  const enrol = vi.fn<(asked: { grants: readonly { scopes: readonly string[] }[] }) => Promise<void>>(async () => {})
  const services = Object.assign(Object.create(null), {
    ...base,
    machines,
    now: () => NOW,
    session: () => ({ enrol }),
    directory,
  })
  const asked = { name: 'report', owner: 'ops', scopes: ['mcp'] as const, expiresAt: NOW + 60, ...(toolScopes && { toolScopes }) }
  await createMachine(services, asked, { actor: 'carol', reason: 'a test', session: undefined, waitUntil: () => undefined })
  return enrol.mock.calls.flatMap(([{ grants }]) => grants.map(({ scopes }) => scopes))
}

test('a machine credential holds no scope that a person would be asked about', async () => {
  expect(await grantsOf()).toEqual([['mcp'], ['mcp']])
})

test('a machine credential holds the further scopes that an administrator names, where they are', async () => {
  expect(await grantsOf(['tickets:close'])).toEqual([['mcp', 'tickets:close'], ['mcp']])
  await expect(grantsOf(['tickets:everything'])).rejects.toMatchObject({
    code: 'invalid_scope',
    message: 'no server it may use has the scope tickets:everything',
  })
})

async function assumedWith(scope?: string): Promise<readonly string[]> {
  const asked: (readonly string[])[] = []
  const identity = { issuer: 'https://ci.example', subject: 'build', groups: [] }
  const statement = { identity, saysGroups: false, issuedAt: NOW, expiresAt: NOW + 300, audience: 'broker', isAccessToken: false }
  const verdict = {
    verified: true,
    statement: { ...statement, jti: '', clientId: undefined, resources: [], scope: undefined },
  } as const
  await assumeRole(
    new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: 'tickets',
      WebIdentityToken: 't',
      ...(scope && { Scope: scope }),
    }),
    {
      statements: { subject: async () => verdict, assertion: undefined },
      signedTokens: new SignedTokens(base.keys, BASE_URL, () => NOW),
      lifetimes: base.settings.limits,
      longestSession: 3_600,
      downstreams: base.settings.downstreams,
      now: () => NOW,
      session: () => ({
        exchange: async ({ grant: { clientId, resource, scopes } }) => {
          asked.push(scopes)
          const facts = { grantId: 'g', clientId, resource, scopes, generation: 1, issuedAt: NOW, endsAt: NOW + 900 }
          return { granted: true, isNew: true, facts }
        },
      }),
    },
  )
  return asked.flat()
}

test('temporary credentials hold no scope that was not named', async () => {
  expect(await assumedWith()).toEqual(['mcp'])
  expect(await assumedWith('mcp tickets:purge')).toEqual(['mcp', 'tickets:purge'])
  await expect(assumedWith('mcp everything')).rejects.toMatchObject({ code: 'invalid_scope' })
})
