// What the set-up writes is read again as it was, by Node.js and by the set-up itself; and it knows every provider there is a page for.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { perTest } from '../../world/fixture.ts'
import { PROVIDERS, providerOf } from '../../../scripts/setup/providers.ts'
import { differs, readSettingsFile, settingsText, writePrivately } from '../../../scripts/setup/settings-file.ts'
import { ofTheProcess, PLACES } from '../../../scripts/setup/places.ts'
import { foundation } from '../../../src/services.ts'

const its = perTest((_, onEnd) => {
  const folder = mkdtempSync(join(tmpdir(), 'broker-setup-'))
  onEnd(() => rmSync(folder, { recursive: true, force: true }))
  return { folder }
})

const asked = (url: string, stored: Readonly<Record<string, string>>) =>
  ofTheProcess('this-machine', url, '/etc/b/broker.env', stored)
const providerWith = (SCOPES_SUPPORTED: string) =>
  providerOf({ OAUTH_AUTHORIZE_URL: 'https://sso.acme.example', SCOPES_SUPPORTED })?.id

const ODD = {
  BASE_URL: 'https://mcp.example.com',
  SPACES: 'a b',
  HASH: 'p#ss $HOME \\n "quoted"',
  SINGLE: "it's ${X} \\",
  LIST: '[{"name":"tickets","url":"https://t.example/mcp"}]',
}

test.for(PLACES)('a settings file for %s is read as it was written, by its owner alone', (place) => {
  const file = join(its.folder, 'settings')
  const text = settingsText(ODD, place)
  writePrivately(file, text)
  expect(readSettingsFile(file, place)).toEqual(ODD)
  expect(differs(file, text)).toBe(false)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(its.folder)).toEqual(['settings'])
})

describe('a file that somebody has changed', () => {
  test.for([
    [
      'this-machine',
      `# Ours\nexport BASE_URL = https://a.example # the old one\nLIST='[1,\n2]'\n\nGONE=x\nKEPT="a b"\nTWICE=1\nTWICE=2\n`,
    ],
    [
      'kubernetes',
      `metadata: { name: ours }\nstringData:\n  # Ours\n  BASE_URL: https://a.example # the old one\n  LIST: '[1,2]'\n  GONE: "x"\n  KEPT: 'a b'\n`,
    ],
  ] as const)('keeps its comments and whatever stays the same: %s', ([place, before]) => {
    const file = join(its.folder, 'settings')
    writeFileSync(file, before)
    const stored = readSettingsFile(file, place)
    expect(stored).toMatchObject({ BASE_URL: 'https://a.example', GONE: 'x', KEPT: 'a b' })
    const { GONE: _, ...rest } = stored
    const text = settingsText({ ...rest, BASE_URL: 'https://b.example', NEW: 'one two' }, place, file)
    writeFileSync(file, text)
    expect(readSettingsFile(file, place)).toEqual({ ...rest, BASE_URL: 'https://b.example', NEW: 'one two' })
    expect(text).toContain('# Ours\n')
    expect(text).not.toContain('GONE')
    expect(text.split('\n').filter((line) => before.includes(line)).length).toBeGreaterThan(4)
    // And when nothing is changed, nothing changes.
    expect(settingsText(readSettingsFile(file, place), place, file)).toBe(text)
  })

  test('is not written anew where a value in it can not be read', () => {
    const file = join(its.folder, 'settings')
    writeFileSync(file, 'stringData:\n  CERTIFICATE: |\n    ---\n')
    expect(() => readSettingsFile(file, 'kubernetes')).toThrow('CERTIFICATE in')
  })
})

describe('where a broker on this machine listens and keeps its data', () => {
  test('is what the set-up says, and follows the address', () => {
    const first = asked('http://localhost:8788', {})
    expect(first).toEqual({ LISTEN: '127.0.0.1:8788', DATA_DIR: '/etc/b/broker-data' })
    const stored = { BASE_URL: 'http://localhost:8788', ...first }
    expect(asked('http://localhost:9000', stored)).toEqual({ ...first, LISTEN: '127.0.0.1:9000' })
    expect(asked('https://mcp.example.com', stored)).toEqual(first)
  })

  test('stays as somebody has changed it', () => {
    const own = { LISTEN: '*:9443', DATA_DIR: '/srv/broker' }
    expect(asked('https://mcp.example.com', { BASE_URL: 'https://mcp.example.com', ...own })).toEqual(own)
    expect(asked('https://other.example.com', { BASE_URL: 'https://mcp.example.com', ...own })).toEqual(own)
  })
})

test('a file that can not be written leaves what was there, and nothing beside it', () => {
  expect(() => writePrivately(join(its.folder, 'absent/settings'), 'x')).toThrow('can not be written')
  writeFileSync(join(its.folder, 'settings'), 'before', { mode: 0o644 })
  writePrivately(join(its.folder, 'settings'), 'after')
  expect(statSync(join(its.folder, 'settings')).mode & 0o777).toBe(0o600)
})

test('a value that no line can hold is refused, and not shown', () => {
  const secret = "a'b`c"
  expect(() => settingsText({ OAUTH_CLIENT_SECRET: secret }, 'cloudflare')).toThrow(/^OAUTH_CLIENT_SECRET holds characters/)
  expect(() => settingsText({ OAUTH_CLIENT_SECRET: 'a\nb' }, 'this-machine')).toThrow('OAUTH_CLIENT_SECRET')
})

describe('the providers', () => {
  test('are those that have a page', () => {
    const pages = readdirSync(join(import.meta.dirname, '../../../docs/identity-providers')).map((name) =>
      name.replace('.md', ''),
    )
    const named = PROVIDERS.map(({ id }) => id).filter((id) => id !== 'oidc')
    expect(named.toSorted()).toEqual(pages.filter((name) => !['index', 'several'].includes(name)).toSorted())
  })

  test.for(PROVIDERS.map((provider) => [provider.id, provider] as const))(
    '%s comes to settings the broker takes, and is known by them again',
    async ([id, { issuer, clientId, secret, besides }]) => {
      const answer = {
        entra: '8f3c0b7e-0000-4000-8000-1234567890ab',
        okta: 'https://acme.okta.com',
        auth0: 'https://acme.eu.auth0.com',
      }
      const written = Object.entries(answer).find(([name]) => name === id)?.[1]
      const place = issuer.variable === 'OAUTH_AUTHORIZE_URL' ? 'https://sso.acme.example/realms/acme' : 'acme'
      const vars = {
        BASE_URL: 'https://mcp.example.com',
        DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
        ENCRYPTION_KEY: '5f1d7e0a9c3b48266bd0e1f2a3b4c5d60718293a4b5c6d7e8f90a1b2c3d4e5f6',
        [issuer.variable]:
          issuer.always ??
          (issuer.read ?? String)(written ?? (['oidc', 'plain-oauth'].includes(id) ? 'https://sso.acme.example' : place)),
        [clientId.variable]: 'broker',
        ...(secret !== undefined && { [secret]: 'a secret of acme' }),
        ...besides,
      }
      expect((await foundation(vars)).settings.identityProviders).toHaveLength(1)
      expect(providerOf(vars)?.id).toBe(id)
    },
  )

  test('plain OAuth is known by whatever scopes it was given, OpenID Connect by its own', () => {
    expect([providerWith('profile groups'), providerWith('openid profile')]).toEqual(['plain-oauth', 'oidc'])
  })
})
