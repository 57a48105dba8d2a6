// Whose tokens are exchanged: closed until both issuer and audience are named, and every mistake is told with its cure.
import { describe, expect, test } from 'vitest'
import { readSettings, SettingsError } from '../../../src/settings/settings.ts'

const GIVEN = {
  BASE_URL: 'https://mcp.example.com',
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  OAUTH_AUTHORIZE_URL: 'https://idp.example',
  OAUTH_CLIENT_ID: 'broker',
  ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
}

const exchangeWith = (given: object) => readSettings({ ...GIVEN, ...given }).exchange

test('nothing is exchanged until issuer and audience are set', () => {
  expect(exchangeWith({})).toEqual({ subjects: undefined, assertionIssuers: [], longestSession: 3_600 })
  expect(exchangeWith({ AUTH_ISSUER: 'https://issuer.example' }).subjects).toBeUndefined()
  expect(exchangeWith({ AUTH_ISSUER: 'https://issuer.example', AUTH_AUDIENCE: 'a, b' }).subjects).toEqual({
    issuer: 'https://issuer.example/',
    audiences: ['a', 'b'],
  })
})

test('the name a predecessor has for the longest session is read', () => {
  expect(exchangeWith({ STS_MAX_SESSION_DURATION_SECS: '43200' }).longestSession).toBe(43_200)
})

describe('a deployment does not start with', () => {
  test.for<[string, Record<string, string>, string, RegExp]>([
    ['an audience without an issuer', { AUTH_AUDIENCE: 'a' }, 'AUTH_ISSUER', /not configured/],
    ['an issuer whose keys come over plain http', { AUTH_ISSUER: 'http://issuer.example' }, 'AUTH_ISSUER', /plain http/],
    ['itself as an issuer', { AUTH_ISSUER: 'https://mcp.example.com/', AUTH_AUDIENCE: 'a' }, 'AUTH_ISSUER', /itself/],
    [
      'itself as an identity provider',
      { ID_JAG_ISSUERS: 'https://idp.example https://mcp.example.com' },
      'ID_JAG_ISSUERS',
      /itself/,
    ],
    ['an issuer that is none', { AUTH_ISSUER: 'issuer', AUTH_AUDIENCE: 'a' }, 'AUTH_ISSUER', /not an http/],
    ['an identity provider that is none', { ID_JAG_ISSUERS: 'idp.example' }, 'ID_JAG_ISSUERS', /no issuer/],
    ['sessions that are too short', { STS_MAX_SESSION_DURATION: '899' }, 'STS_MAX_SESSION_DURATION', /900 and 43200/],
    ['sessions that are too long', { STS_MAX_SESSION_DURATION: '43201' }, 'STS_MAX_SESSION_DURATION', /900 and 43200/],
  ])('%s', ([, given, variable, problem]) => {
    const problems = problemsWith(given)
    expect(problems).toEqual([{ variable, problem: expect.stringMatching(problem), cure: expect.any(String) }])
  })
})

const ACTIONS = { AUTH_ISSUER: 'https://token.actions.githubusercontent.com', AUTH_AUDIENCE: 'https://mcp.example.com' }

describe('an issuer that signs for everybody with an account there', () => {
  test.for([
    'https://token.actions.githubusercontent.com',
    'https://token.actions.githubusercontent.com/some-enterprise',
    'https://TOKEN.actions.githubusercontent.com./',
    'https://gitlab.com',
    'https://accounts.google.com',
    'https://oidc.circleci.com/org/0d7c8b1c',
    'https://agent.buildkite.com',
    'https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc',
    'https://app.terraform.io',
    'https://login.microsoftonline.com/common/v2.0',
    'https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/',
    'https://huggingface.co',
    'https://discord.com',
    'https://login.salesforce.com',
  ])('is refused without a rule about subjects: %s', (issuer) => {
    expect(problemsWith({ ...ACTIONS, AUTH_ISSUER: issuer })).toEqual([
      {
        variable: 'AUTH_SUBJECTS',
        problem: `not configured, and ${issuer} signs tokens for everybody who has an account there`,
        cure: expect.stringContaining('repo:acme/*'),
      },
    ])
  })

  test.for([
    '*',
    'repo:*',
    'repo:acme*',
    '*:ref:refs/heads/main',
    'repo:acme/* *',
    '[{"ref":"refs/heads/main"}]',
    '[{"repository":"*"}]',
    '[{"repository":"acme*"}]',
    '[{"ref":"refs/heads/main","sub":"repo:*"}]',
    'environment:production',
    'environment:production:*',
    'ref:refs/heads/main',
    'actor:alice:*',
    'job_workflow_ref:acme/flows/.github/workflows/deploy.yml@refs/heads/main',
    'environment:production:repository_owner:acme',
    'repository_owner:acme*',
    'repo:acme',
    'acme/app',
    '[{"actor_id":"1234"}]',
    '[{"workflow":"deploy","run_attempt":"1"}]',
  ])('is refused with a rule that fits strangers: %s', (subjects) => {
    expect(problemsWith({ ...ACTIONS, AUTH_SUBJECTS: subjects })).toMatchObject([
      { variable: 'AUTH_SUBJECTS', problem: expect.stringMatching(/^fits strangers: /) },
    ])
  })

  test.for<[string, readonly object[]]>([
    [
      'repo:acme/*, repo:other/app:environment:production',
      [
        ['sub', 'repo:acme/*'],
        ['sub', 'repo:other/app:environment:production'],
      ],
    ],
    ['repo:acme/app-*:ref:refs/heads/main', [['sub', 'repo:acme/app-*:ref:refs/heads/main']]],
    ['["repo:acme/app:environment:Live Site"]', [['sub', 'repo:acme/app:environment:Live Site']]],
    ['[{"repository_owner_id":"1234"}]', [['repository_owner_id', '1234']]],
    ['repository_owner:acme:environment:*', [['sub', 'repository_owner:acme:environment:*']]],
    ['repository_owner_id:1234', [['sub', 'repository_owner_id:1234']]],
    ['repo:acme@1234/app@5678:ref:refs/heads/main', [['sub', 'repo:acme@1234/app@5678:ref:refs/heads/main']]],
    [
      '[{"environment":"production","repository_id":"5678"}]',
      [
        ['environment', 'production'],
        ['repository_id', '5678'],
      ],
    ],
  ])('is taken with a rule that names an owner: %s', ([subjects, expected]) => {
    const { subjects: read } = exchangeWith({ ...ACTIONS, AUTH_SUBJECTS: subjects })
    expect(read?.allowed?.flat().map(({ claim, pattern }) => [claim, pattern])).toEqual(expected)
  })
})

const ORGANIZATION = '6f1c9b0e-4a53-4f0e-9d53-0b9a5f0c8f11'

describe('an owner is named as the issuer names it: at', () => {
  test.for<[string, readonly string[], readonly string[]]>([
    [
      'https://gitlab.com',
      ['project_path:acme/*', 'project_path:acme/app:ref_type:branch:ref:main', '1234567'],
      [
        'project_path:*',
        'ref_type:branch:ref:main',
        '12*',
        'main',
        '[{"user_login":"alice"}]',
        '[{"ci_config_ref_uri":"acme/*"}]',
      ],
    ],
    [
      'https://accounts.google.com',
      ['107517467455664443765', '[{"hd":"acme.com"}]'],
      ['1075*', 'build@acme.iam', '[{"azp":"1"}]'],
    ],
    [
      `https://oidc.circleci.com/org/${ORGANIZATION}`,
      [`org/${ORGANIZATION}/project/*`, `org/${ORGANIZATION}/*`],
      ['org/*', '*/vcs-ref/refs/heads/main', 'project/1234/user/5678'],
    ],
    ['https://agent.buildkite.com', ['organization:acme:pipeline:*', ORGANIZATION], ['deploy', 'organization:acme*', 'main']],
    ['https://app.terraform.io', ['organization:acme:project:*'], ['project:main:workspace:*', 'organization:*']],
    ['https://oidc.vercel.com/acme', ['owner:acme:project:site:environment:production'], ['environment:production', 'owner:a*']],
    ['https://oidc.fly.io/acme', ['acme:app:machine'], ['*:app:machine']],
  ])('%s', ([AUTH_ISSUER, good, wide]) => {
    for (const AUTH_SUBJECTS of good) expect(problemsWith({ ...ACTIONS, AUTH_ISSUER, AUTH_SUBJECTS })).toEqual([])
    for (const AUTH_SUBJECTS of wide)
      expect([AUTH_SUBJECTS, problemsWith({ ...ACTIONS, AUTH_ISSUER, AUTH_SUBJECTS })]).toMatchObject([
        AUTH_SUBJECTS,
        [
          {
            variable: 'AUTH_SUBJECTS',
            problem: expect.stringMatching(/^fits strangers: /),
            cure: expect.stringMatching(/owner first/),
          },
        ],
      ])
  })
})

describe('AUTH_SUBJECTS is refused that', () => {
  const own = { AUTH_ISSUER: 'https://issuer.example', AUTH_AUDIENCE: 'a' }
  test.for<[string, object, RegExp]>([
    ['is no JSON', { ...own, AUTH_SUBJECTS: '[{' }, /neither a list of patterns nor JSON/],
    ['is an empty list', { ...own, AUTH_SUBJECTS: '[]' }, /neither/],
    ['has a rule about nothing', { ...own, AUTH_SUBJECTS: '[{}]' }, /neither/],
    ['has a claim that is a number', { ...own, AUTH_SUBJECTS: '[{"id":1}]' }, /neither/],
    ['is about no issuer', { AUTH_SUBJECTS: 'a' }, /AUTH_ISSUER, which is not set/],
  ])('%s', ([, given, problem]) => {
    expect(problemsWith(given)).toMatchObject([{ variable: 'AUTH_SUBJECTS', problem: expect.stringMatching(problem) }])
  })
})

describe('a server that is given people’s own tokens', () => {
  const servers = { DOWNSTREAMS: JSON.stringify([{ name: 'mail', url: 'https://mail.example.com/mcp', auth: 'idp-token' }]) }
  test.for<[string, object, string]>([
    ['the one server', { DOWNSTREAM_AUTH: 'idp-token' }, 'DOWNSTREAM_AUTH'],
    ['one of several', servers, 'DOWNSTREAMS'],
  ])('could come back with them as the person where they are exchanged: %s', ([, given, variable]) => {
    const exchanged = { AUTH_ISSUER: 'https://idp.example/', AUTH_AUDIENCE: 'broker' }
    expect(problemsWith({ ...given, ...exchanged })).toMatchObject([
      { variable, problem: expect.stringContaining('which is exchanged here for access to every server') },
    ])
    expect(problemsWith({ ...given, AUTH_ISSUER: 'https://idp.example/' })).toEqual([])
    expect(problemsWith({ ...given, ...exchanged, AUTH_ISSUER: 'https://ci.example' })).toEqual([])
  })
})

function problemsWith(given: object): SettingsError['problems'] {
  try {
    exchangeWith(given)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}
