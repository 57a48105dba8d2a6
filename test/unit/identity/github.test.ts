// GitHub: who somebody is says its API, and everything it does not say is not guessed.
import { describe, expect, test } from 'vitest'
import type { Identity } from '../../../src/caller.ts'
import type { IdentityProviderSettings } from '../../../src/settings/providers.ts'
import { startGithub, type GithubWorld } from './dialects/github.ts'
import type { Answer } from './dialects/stand-in.ts'
import { signedIn } from './logins.ts'
import { quietly } from './quiet.ts'

const its = quietly()

interface SignedIn {
  readonly world: GithubWorld
  readonly identity: Identity
}

async function alice(change: Partial<IdentityProviderSettings> = {}, api: Record<string, Answer> = {}): Promise<SignedIn> {
  const world = await its.closing(startGithub('OAuth App', change))
  for (const [path, answer] of Object.entries(api)) world.api.set(path, () => answer)
  return { world, identity: (await signedIn(world.newProvider(), (url) => world.signInAs('alice', url))).identity }
}

describe('the person', () => {
  test('is a number, and goes by the login where there is no name', async () => {
    const user = { json: { login: 'aarcher', id: 583231, name: null } }
    expect((await alice({}, { '/user': user })).identity).toMatchObject({ subject: '583231', name: 'aarcher' })
  })

  test.for<[string, Answer]>([
    ['their primary one is not verified', { json: [{ email: 'victim@example.com', primary: true, verified: false }] }],
    ['only another one is verified', { json: [{ email: 'second@example.com', primary: false, verified: true }] }],
    ['the token may not see it', { status: 404, json: { message: 'Not Found' } }],
  ])('has no address when %s', async ([, emails]) => {
    expect((await alice({}, { '/user/emails': emails })).identity.email).toBeUndefined()
  })

  test('is in organisations and their teams, however many pages there are', async () => {
    const world = await its.closing(startGithub('OAuth App', { restrictedTo: ['org-0', 'org-1', 'org-249'] }))
    const all = Array.from({ length: 250 }, (_, index) => ({ login: `org-${index}`, id: index }))
    world.api.set('/user/orgs', ({ query }) => {
      const first = (Number(query.get('page')) - 1) * Number(query.get('per_page'))
      return { json: all.slice(first, first + Number(query.get('per_page'))) }
    })
    world.api.set('/user/teams', () => ({ json: [{ slug: 'core', organization: { login: 'org-1', id: 1 } }] }))

    const { identity } = await signedIn(world.newProvider(), (url) => world.signInAs('alice', url))

    expect(identity.groups).toEqual(['org-0', 'org-1', 'org-249', 'org-1/core'])
  })

  test.for<[string, readonly string[], readonly string[]]>([
    ['none where no organisation is listed', [], []],
    ['those of listed organisations, by name or number', ['acme', '7'], ['Acme', 'octo', 'Acme/core']],
  ])('are %s: anybody can make one called admins', async ([, restrictedTo, groups]) => {
    const [acme, octo, own] = [
      { login: 'Acme', id: 1 },
      { login: 'octo', id: 7 },
      { login: 'admins', id: 9 },
    ]
    const teams = [acme, own].map((organization) => ({ slug: 'core', organization }))
    const { identity } = await alice(
      { restrictedTo },
      { '/user/orgs': { json: [acme, octo, own] }, '/user/teams': { json: teams } },
    )
    expect(identity.groups).toEqual(groups)
  })
})

describe('where only members of an organisation may sign in', () => {
  test.for(['engineering', '1'])('members may, by name or number (%s)', async (organization) => {
    const { world, identity } = await alice({ restrictedTo: [organization] })
    expect(identity).toEqual(world.alice)
  })

  test.for<[string, Record<string, Answer>]>([
    ['others may not', { '/user/orgs': { json: [{ login: 'engineering-2', id: 2 }] } }],
    ['nobody may whose organisation is called like the number of it', { '/user/orgs': { json: [{ login: '4711', id: 9 }] } }],
    ['nobody may whose organisations are not to be seen', { '/user/orgs': { status: 403, json: { message: 'Forbidden' } } }],
  ])('%s', async ([, api]) => {
    await expect(alice({ restrictedTo: ['engineering', '4711'] }, api)).rejects.toMatchObject({ reason: 'denied' })
  })

  test('a member who leaves is signed out when GitHub is asked again', async () => {
    const world = await its.closing(startGithub('OAuth App', { restrictedTo: ['engineering'] }))
    const provider = world.newProvider()
    const { identity, tokens } = await signedIn(provider, (url) => world.signInAs('alice', url))
    world.api.set('/user/orgs', () => ({ json: [] }))

    expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'ended' })
  })
})

test.for<[string, string, Answer, string]>([
  [
    'the limit of the token is reached',
    '/user',
    { status: 403, headers: { 'x-ratelimit-remaining': '0' }, json: {} },
    'unreachable',
  ],
  ['GitHub asks to wait', '/user/orgs', { status: 403, headers: { 'retry-after': '60' }, json: {} }, 'unreachable'],
  ['GitHub is down', '/user/emails', { status: 502, text: '<h1>Unicorn</h1>' }, 'unreachable'],
  ['the account is suspended', '/user', { status: 403, json: { message: 'Sorry. Your account was suspended.' } }, 'invalid'],
  ['somebody else answers', '/user', { json: { id: 'alice', login: 7 } }, 'invalid'],
])('nobody is signed in while %s', async ([, path, answer, reason]) => {
  await expect(alice({}, { [path]: answer })).rejects.toMatchObject({ reason })
})

test('a limit that is reached signs nobody out', async () => {
  const world = await its.closing(startGithub('OAuth App'))
  const provider = world.newProvider()
  const { identity, tokens } = await signedIn(provider, (url) => world.signInAs('alice', url))
  world.api.set('/user', () => ({ status: 403, headers: { 'x-ratelimit-remaining': '0' }, json: {} }))

  expect(await provider.refresh(tokens, identity, async () => {})).toMatchObject({ outcome: 'unavailable' })
})

test('a wrong secret, told with status 200, is no answer', async () => {
  await expect(alice({ clientSecret: 'of another app' })).rejects.toMatchObject({
    reason: 'refused',
    code: 'incorrect_client_credentials',
  })
})
