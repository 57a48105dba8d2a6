// What `npm start` takes from the environment and from .dev.vars, and whose sign-in and server stand there then.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { readSettings } from '../../../src/settings/settings.ts'
import { ROOT } from '../../world/bundle.ts'
import { demoVarsFor, portsNeeded } from '../../world/demo.ts'
import { examplesIn, ownSettings, portOf } from '../../world/own-settings.ts'

const EXAMPLES = examplesIn(readFileSync(join(ROOT, '.dev.vars.example'), 'utf8'))
const own = (fromEnvironment: Record<string, string>, fromFile: Record<string, string> = {}) =>
  ownSettings(fromEnvironment, fromFile, EXAMPLES)

const PROVIDER = {
  OAUTH_AUTHORIZE_URL: 'https://login.acme.example',
  OAUTH_CLIENT_ID: 'broker',
  OAUTH_CLIENT_SECRET: 'a secret of acme',
}

describe('npm start is in front of', () => {
  test.for<[string, Record<string, string>, { server: boolean; signIn: boolean }, number[]]>([
    [
      'the example server with the demo sign-in, where nothing is set',
      {},
      { server: false, signIn: false },
      [1000, 1001, 1002, 1003, 1004],
    ],
    [
      'the server of DOWNSTREAM_MCP_URL with the demo sign-in',
      { DOWNSTREAM_MCP_URL: 'http://localhost:3001/mcp' },
      { server: true, signIn: false },
      [1000, 1001],
    ],
    [
      'the server of MCP_SERVER_URL, the name others have for it',
      { MCP_SERVER_URL: 'http://localhost:3001' },
      { server: true, signIn: false },
      [1000, 1001],
    ],
    [
      'the servers of DOWNSTREAMS',
      { DOWNSTREAMS: '[{"name":"wiki","url":"http://localhost:3001/mcp"}]' },
      { server: true, signIn: false },
      [1000, 1001],
    ],
    ['the example server with a sign-in of one’s own', PROVIDER, { server: false, signIn: true }, [1000, 1002, 1003, 1004]],
    [
      'the example server where only limits are set',
      { MAX_STREAMS: '5' },
      { server: false, signIn: false },
      [1000, 1001, 1002, 1003, 1004],
    ],
  ])('%s', ([, vars, { server, signIn }, ports]) => {
    for (const settings of [own(vars), own({}, vars)]) {
      expect(settings).toMatchObject({ hasServer: server, hasSignIn: signIn, problems: [], notes: [], vars })
      expect(portsNeeded(1000, settings)).toEqual(ports)
      expect(() => readSettings(demoVarsFor(1000, settings))).not.toThrow()
    }
  })
})

describe('what is set', () => {
  test('in the environment wins over .dev.vars, and each says where it is from', () => {
    const settings = own({ MAX_STREAMS: '7', HOME: '/home/alice' }, { MAX_STREAMS: '5', MAX_GRANTS: '3' })
    expect(settings.vars).toEqual({ MAX_STREAMS: '7', MAX_GRANTS: '3' })
    expect(settings.sources).toEqual([
      { source: 'the environment', names: ['MAX_STREAMS'] },
      { source: '.dev.vars', names: ['MAX_GRANTS'] },
    ])
  })

  test('as nothing in the environment takes away what .dev.vars says', () => {
    expect(own({ DOWNSTREAM_MCP_URL: '' }, { DOWNSTREAM_MCP_URL: 'http://localhost:3001/mcp' })).toMatchObject({
      vars: {},
      hasServer: false,
    })
  })

  test('may name secrets, which come along from wherever they are', () => {
    const DOWNSTREAMS =
      '[{"name":"wiki","url":"https://wiki.example/mcp","auth":"static","headers":{"X-Key":"$WIKI_KEY","X-Org":"$WIKI_ORG"}}]'
    const settings = own({ DOWNSTREAMS, WIKI_KEY: 'one' }, { WIKI_ORG: 'two', UNRELATED: 'three' })
    expect(settings.vars).toEqual({ DOWNSTREAMS, WIKI_KEY: 'one', WIKI_ORG: 'two', UNRELATED: 'three' })
    expect(readSettings(demoVarsFor(1000, settings)).downstreams[0]?.headers).toEqual({ 'x-key': 'one', 'x-org': 'two' })
  })

  test('as BASE_URL or DEMO is not passed on: npm start says where it is', () => {
    const settings = own({}, { BASE_URL: 'https://mcp.acme.example', DEMO: '0' })
    expect(settings.vars).toEqual({})
    expect(readSettings(demoVarsFor(1000, settings)).baseUrl).toBe('http://localhost:1000')
  })

  test.for<[string | undefined, number | undefined]>([
    ['http://localhost:9000', 9000],
    ['http://localhost', undefined],
    ['https://mcp.acme.example', undefined],
    ['nonsense', undefined],
    [undefined, undefined],
  ])('as BASE_URL %s chooses the port %s', ([baseUrl, port]) => {
    expect(portOf(baseUrl)).toBe(port)
  })
})

describe('a copy of .dev.vars.example', () => {
  const copied = Object.fromEntries(Object.entries(EXAMPLES).filter((entry): entry is [string, string] => entry[1] !== undefined))

  test('as it is changes nothing', () => {
    const untouched = parseEnv(readFileSync(join(ROOT, '.dev.vars.example'), 'utf8'))
    expect(ownSettings({}, untouched, EXAMPLES)).toMatchObject({
      vars: {},
      hasServer: false,
      hasSignIn: false,
      problems: [],
      sources: [],
    })
  })

  test('with only the sign-in uncommented and nothing filled in leaves the demo sign-in, and says so', () => {
    const { OAUTH_AUTHORIZE_URL = '', OAUTH_CLIENT_ID = '', OAUTH_CLIENT_SECRET = '', ENCRYPTION_KEY = '' } = copied
    const settings = own({}, { OAUTH_AUTHORIZE_URL, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET, ENCRYPTION_KEY })
    expect(settings).toMatchObject({ hasSignIn: false, vars: {}, problems: [], sources: [] })
    expect(settings.notes).toEqual([
      'OAUTH_AUTHORIZE_URL, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET still have their example values: not used',
    ])
  })

  test('filled in but for the secret is told which value is missing', () => {
    const settings = own({}, { ...PROVIDER, OAUTH_CLIENT_SECRET: 'change-me' })
    expect(settings.problems).toMatchObject([
      { variable: 'OAUTH_CLIENT_SECRET', problem: 'is the example value from the documentation' },
    ])
  })
})
