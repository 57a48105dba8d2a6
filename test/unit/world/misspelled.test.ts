// Settings that were spelled wrongly are named by `npm start`, not ignored without a word.
import { expect, test } from 'vitest'
import { ownSettings } from '../../world/own-settings.ts'

test('a name that is nearly a setting is named, from the environment and from .dev.vars', () => {
  const { notes, sources, vars } = ownSettings(
    { DOWNSTREAM_MCP_URl: 'http://localhost:3001/mcp' },
    { OAUTH_RESTICT_TO: 'example.com', PAGES_TTL: '60' },
    {},
  )
  expect(notes).toEqual([
    'OAUTH_RESTICT_TO is no setting and not used: OAUTH_RESTRICT_TO is one',
    'DOWNSTREAM_MCP_URl is no setting and not used: DOWNSTREAM_MCP_URL is one',
  ])
  expect([sources, vars]).toEqual([[{ source: '.dev.vars', names: ['PAGES_TTL'] }], { PAGES_TTL: '60' }])
})

test('secrets that a setting refers to, and names that are like none, are left alone', () => {
  const file = { DOWNSTREAMS: '[{"token":"$OAUTH_CLIENT_SECRET2"}]', OAUTH_CLIENT_SECRET2: 's' }
  expect(ownSettings({ PATH: '/bin', npm_config_registry: 'x' }, file, {}).notes).toEqual([])
})
