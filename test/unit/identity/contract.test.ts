// Every provider the settings can name, held to the contract against a running server.
import { expect, test } from 'vitest'
import { identityProviderFor, IdentityProviders } from '../../../src/identity/identity-providers.ts'
import { readSettings } from '../../../src/settings/settings.ts'
import type { IdentityProviderSettings } from '../../../src/settings/providers.ts'
import { Browser, signInAs } from '../../world/browser.ts'
import { startIdentityProvider } from '../../world/identity-provider.ts'
import { PEOPLE, type Person } from '../../world/people.ts'
import { keepsTheContract, OPENID, type ProviderWorld } from './contract.ts'
import { startAccessApplication } from './dialects/access-application.ts'
import { OTHER_TENANT, startEntra, TENANT } from './dialects/entra.ts'
import { startGithub } from './dialects/github.ts'
import { startGoogle } from './dialects/google.ts'
import { startPlainOAuth } from './dialects/plain-oauth.ts'
import { CALLBACK, settingsFor, signedIn } from './logins.ts'
import { ScriptedProvider, type Account } from './scripted-provider.ts'

keepsTheContract('an OpenID provider found by discovery', () => realProvider({}))
keepsTheContract('one that takes the client secret in the form only', () => realProvider({ clientAuth: 'client_secret_post' }))
keepsTheContract('Cloudflare Access with a SaaS application', accessLike)
keepsTheContract('Google', () => startGoogle())
keepsTheContract('one tenant of Microsoft Entra', () => startEntra())
keepsTheContract('Microsoft Entra for several tenants', () => startEntra('common', { restrictedTo: [TENANT, OTHER_TENANT] }))
keepsTheContract('a GitHub App', () => startGithub('GitHub App'), { ...OPENID, discovery: false })
keepsTheContract('an OAuth App of GitHub', () => startGithub('OAuth App'), {
  discovery: false,
  codes: true,
  askedWith: 'access token',
})
keepsTheContract('Cloudflare Access in front of the broker', startAccessApplication, {
  discovery: false,
  codes: false,
  askedWith: 'access token',
})
keepsTheContract('plain OAuth that publishes nothing', () => startPlainOAuth(), {
  ...OPENID,
  askedWith: 'access token',
  addresses: false,
})

async function realProvider({ clientAuth }: { clientAuth?: 'client_secret_post' }): Promise<ProviderWorld> {
  const settings = settingsFor('', { scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'] })
  const server = await startIdentityProvider({
    clientId: settings.clientId,
    clientSecret: settings.clientSecret ?? '',
    redirectUris: [CALLBACK],
    ...(clientAuth && { clientAuth }),
  })
  const { issuer, control } = server
  return {
    ...peopleOf(issuer),
    // An operator who copies the address from a browser's bar gets a slash with it.
    newProvider: () => identityProviderFor({ ...settings, url: `${issuer}/` }),
    signInAs: (person, url) => signInAs(person, url.href),
    decline: async (url) => {
      const browser = new Browser()
      const { forms } = await browser.get(url.href)
      const page = forms.find(({ id }) => id === 'sign-in')
      if (!page) throw new Error('the sign-in page has no form')
      return new URL((await browser.submit(page, { cancel: 'yes' }, { stopAt: CALLBACK })).url)
    },
    changeEmail: (person, email) => control.changeEmail(person, email),
    drop: (person) => control.dropPerson(person),
    down: (isDown) => control.down(isDown),
    close: () => server.close(),
  }
}

async function accessLike(): Promise<ProviderWorld> {
  const server = await ScriptedProvider.start('/cdn-cgi/access/sso/oidc/broker')
  const accounts: Record<'alice' | 'bob', Account> = { alice: accountOf('alice'), bob: accountOf('bob') }
  const settings: IdentityProviderSettings = { ...settingsFor(server.issuer), kind: 'access' }
  const visitAs = (account: Account | undefined, url: URL): Promise<URL> => {
    server.account = account
    return server.visit(url)
  }
  return {
    ...peopleOf(server.issuer),
    newProvider: () => identityProviderFor(settings),
    signInAs: (person, url) => visitAs(accounts[person], url),
    decline: (url) => visitAs(undefined, url),
    changeEmail: (person, email) => {
      accounts[person] = { ...accounts[person], email }
      server.change(accounts[person])
    },
    drop: (person) => server.forget(accounts[person].sub),
    down: (isDown) => {
      server.script = isDown ? { fail: { discovery: 503, authorization: 503, token: 503, jwks: 503, userinfo: 503 } } : {}
    },
    close: () => server.close(),
  }
}

function peopleOf(issuer: string): Pick<ProviderWorld, 'alice' | 'bob'> {
  const of = ({ sub: subject, email, name, groups }: Person): ProviderWorld['alice'] => ({ issuer, subject, email, name, groups })
  return { alice: of(PEOPLE.alice), bob: of(PEOPLE.bob) }
}

/** As Access tells it: no `email_verified`, and groups mapped from the provider behind it. */
function accountOf(person: 'alice' | 'bob'): Account {
  const { sub, email, name, groups } = PEOPLE[person]
  return { sub, email, name, custom: { groups } }
}

test('Cloudflare Access gets the client secret in the form', async () => {
  const server = await ScriptedProvider.start()

  await signedIn(identityProviderFor({ ...settingsFor(server.issuer), kind: 'access' }), (url) => server.visit(url))

  expect(server.lastTokenRequest?.form.get('client_secret')).toBe('a secret of the tests')
  await server.close()
})

const BASE = {
  BASE_URL: 'https://mcp.example.com',
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
}

test.for([
  {
    env: { CF_ACCESS_TEAM_DOMAIN: 'acme', CF_ACCESS_CLIENT_ID: 'c1', CF_ACCESS_CLIENT_SECRET: 's' },
    name: 'Cloudflare Access',
    host: 'acme.cloudflareaccess.com',
  },
  {
    env: { OAUTH_AUTHORIZE_URL: 'https://login.example.com/tenant', OAUTH_CLIENT_ID: 'c1' },
    name: 'login.example.com',
    host: 'login.example.com',
  },
])('people read "$name" where $host signs them in', ({ env, name, host }) => {
  const { only } = new IdentityProviders(readSettings({ ...BASE, ...env }).identityProviders)

  expect(only).toMatchObject({ name, host })
})
