// Microsoft Entra: which tenants count, who somebody is in one, which address may be believed, and where the groups are.
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../../src/caller.ts'
import { perTest } from '../../world/fixture.ts'
import { GROUP, OTHER_TENANT, startEntra, TENANT, type EntraWorld } from './dialects/entra.ts'
import { newLogin, signedIn } from './logins.ts'
import { quietly } from './quiet.ts'

const its = quietly()

const identityOfAlice = async (world: EntraWorld): Promise<Identity> =>
  (await signedIn(world.newProvider(), (url) => world.signInAs('alice', url))).identity

const endless =
  (next: string): EntraWorld['graph'] =>
  () => ({ json: { value: [{ id: GROUP }], '@odata.nextLink': next } })

describe('with one address for several tenants', () => {
  const here = perTest(async (closing) => ({
    world: await closing(startEntra('common', { restrictedTo: [TENANT, OTHER_TENANT] })),
  }))

  test('a person is of the issuer of their tenant', async () => {
    here.world.tenant = OTHER_TENANT

    expect(await identityOfAlice(here.world)).toMatchObject({
      issuer: `${here.world.origin}/${OTHER_TENANT}/v2.0`,
      subject: here.world.alice.subject,
    })
  })

  test.for<[string, string, Record<string, unknown>, string]>([
    ['of a tenant nobody named', '0d7c8b1c-9f0f-4c0e-8a52-6b1a37b2d9aa', {}, 'denied'],
    ['of a tenant that is none', 'common', {}, 'denied'],
    ['that names a named tenant and was issued by another', OTHER_TENANT, { tid: TENANT }, 'invalid'],
    ['that names no tenant', TENANT, { tid: undefined }, 'denied'],
    ['that carries the pattern for an issuer', TENANT, { tid: '{tenantid}' }, 'denied'],
    ['without an oid', TENANT, { oid: undefined }, 'invalid'],
  ])('nobody signs in with a token %s', async ([, tenant, claims, reason]) => {
    here.world.tenant = tenant
    here.world.claims = claims

    await expect(identityOfAlice(here.world)).rejects.toMatchObject({ reason })
  })

  test('attack 22: an answer that names an issuer has to name one of the tenants', async () => {
    const provider = here.world.newProvider()
    const login = newLogin()
    const callback = await here.world.signInAs('alice', await provider.authorizationUrl(login))
    callback.searchParams.set('iss', 'https://evil.example')
    await expect(provider.signIn(callback, login)).rejects.toMatchObject({ reason: 'invalid' })

    callback.searchParams.set('iss', `${here.world.origin}/${TENANT}/v2.0`)
    await expect(provider.signIn(callback, login)).resolves.toBeDefined()
  })

  test('a person whose tenant was taken from the list is signed out', async () => {
    const provider = here.world.newProvider()
    const { identity, tokens } = await signedIn(provider, (url) => here.world.signInAs('alice', url))

    const issuer = `${here.world.origin}/0d7c8b1c-9f0f-4c0e-8a52-6b1a37b2d9aa/v2.0`
    expect(await provider.refresh(tokens, { ...identity, issuer }, async () => {})).toMatchObject({ outcome: 'ended' })
  })
})

describe('an e-mail address', () => {
  const guest = { idp: 'https://sts.windows.net/0d7c8b1c-9f0f-4c0e-8a52-6b1a37b2d9aa/' }

  test.for<[string, Record<string, unknown>, string | undefined]>([
    ['of a member is what the administrators of the tenant say', {}, 'alice@example.com'],
    ['of a guest is anything', guest, undefined],
    ['of a guest by account status is anything', { acct: 1 }, undefined],
    ['of a guest counts when Microsoft has verified its domain', { ...guest, xms_edov: true }, 'alice@example.com'],
    ['whose domain is not the owner’s does not count', { xms_edov: false }, undefined],
    ['that Microsoft has verified goes first', { verified_primary_email: ['a.archer@example.com'] }, 'a.archer@example.com'],
    ['is not the name somebody signs in with', { email: undefined }, undefined],
  ])('%s', async ([, claims, email]) => {
    const world = await its.closing(startEntra())
    world.claims = claims

    expect((await identityOfAlice(world)).email).toBe(email)
    expect(world.server.asked).not.toContain('/oidc/userinfo')
  })
})

test('of tenants nobody has named neither address nor groups are believed', async () => {
  const world = await its.closing(startEntra('organizations', { restrictedTo: ['*'] }))
  world.tenant = '0d7c8b1c-9f0f-4c0e-8a52-6b1a37b2d9aa'
  world.claims = { groups: ['admins'], email: 'ceo@example.com' }

  expect(await identityOfAlice(world)).toMatchObject({ subject: world.alice.subject, email: undefined, groups: [] })
})

describe('the groups of a person who is in too many for a token', () => {
  const overage = {
    groups: undefined,
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: 'https://graph.windows.net/x/users/y/getMemberObjects' } },
  }
  const here = perTest(async (closing) => {
    const world = await closing(startEntra())
    world.claims = overage
    return { world }
  })

  test.for<[string, Record<string, unknown>]>([
    ['in the way of JWTs', overage],
    ['in the way of short answers', { groups: undefined, hasgroups: true }],
  ])('are asked of Microsoft Graph, page by page, when they are left out %s', async ([, claims]) => {
    here.world.claims = claims
    here.world.graph = (page) => ({
      json: {
        '@odata.context': 'x',
        value: [{ '@odata.type': '#microsoft.graph.group', id: page === 0 ? GROUP : `${page}` }],
        ...(page < 2 && {
          '@odata.nextLink': `${here.world.origin}/v1.0/me/transitiveMemberOf/microsoft.graph.group?$skiptoken=${page + 1}`,
        }),
      },
    })

    expect((await identityOfAlice(here.world)).groups).toEqual([GROUP, '1', '2'])
  })

  test.for<[string, () => EntraWorld['graph'], string]>([
    ['Graph may not be asked', () => undefined, 'invalid'],
    ['Graph is overrun', () => () => ({ status: 429, json: {} }), 'unreachable'],
    ['Graph answers something else', () => () => ({ json: { value: 'none' } }), 'invalid'],
    [
      'there is no end to them',
      () => endless(`${here.world.origin}/v1.0/me/transitiveMemberOf/microsoft.graph.group?$skiptoken=1`),
      'invalid',
    ],
    ['the next page is somewhere else', () => endless('http://127.0.0.1:1/v1.0/me'), 'invalid'],
  ])('are never taken for none: nobody signs in when %s', async ([, graph, reason]) => {
    here.world.graph = graph()

    await expect(identityOfAlice(here.world)).rejects.toMatchObject({ reason })
  })

  test('that can not be had at a refresh leave everything as it was', async () => {
    here.world.claims = {}
    const provider = here.world.newProvider()
    const { identity, tokens } = await signedIn(provider, (url) => here.world.signInAs('alice', url))
    here.world.claims = overage

    expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'unavailable' })
  })
})

test('nobody is asked for consent again: where only administrators may give it, that would be the end of the sign-in', async () => {
  const world = await its.closing(startEntra())

  const { searchParams } = await world.newProvider().authorizationUrl(newLogin())

  expect(searchParams.get('scope')).toContain('offline_access')
  expect(searchParams.has('prompt')).toBe(false)
})

test('the code of Microsoft stands in the log, not on the page', async () => {
  const world = await its.closing(startEntra(TENANT, { clientSecret: 'of another application' }))

  await expect(identityOfAlice(world)).rejects.toMatchObject({
    reason: 'refused',
    code: 'invalid_client',
    detail: expect.stringContaining('AADSTS7000215'),
    message: expect.not.stringContaining('AADSTS'),
  })
})
