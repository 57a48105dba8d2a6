// Who may call which tool: rules, groups, names with wildcards, and the scopes a call needs on top.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { isDisguised, rulesFor, scopesNeeded, verdictOn, type RuleSubject } from '../../../../src/mcp/tools/policy.ts'
import { defaultScopes } from '../../../../src/oauth/resource.ts'
import { readSettings } from '../../../../src/settings/settings.ts'
import type { ToolRule } from '../../../../src/settings/downstreams.ts'
import type { PersonName } from '../../../../src/settings/people.ts'

const PAGE = resolve(import.meta.dirname, '../../../../docs/servers/tool-policy.md')

const ISSUER = 'https://idp.example'
const groupOf = (name: string): PersonName => ({ issuers: [ISSUER], name })
const inGroups = (...groups: readonly string[]): RuleSubject => ({ issuer: ISSUER, groups })
const rule = (changes: Partial<ToolRule>): ToolRule => ({ groups: undefined, allow: [], deny: [], readOnly: false, ...changes })

describe('a tool is', () => {
  test.for<[string, readonly ToolRule[], string, string]>([
    ['denied where no rule counts', [], 'search', 'denied'],
    ['denied where no rule names it', [rule({ allow: ['list_*'] })], 'search', 'denied'],
    ['allowed by its name', [rule({ allow: ['search'] })], 'search', 'allowed'],
    ['allowed by a wildcard', [rule({ allow: ['*'] })], 'search', 'allowed'],
    ['allowed by any of several rules', [rule({ allow: ['a'] }), rule({ allow: ['b*'] })], 'bc', 'allowed'],
    ['denied by any rule, whatever allows it', [rule({ allow: ['*'] }), rule({ deny: ['delete_*'] })], 'delete_all', 'denied'],
    ['denied in any spelling a server might forgive', [rule({ allow: ['*'], deny: ['delete_*'] })], ' DELETE_ａll ', 'denied'],
    ['denied with a NUL before it', [rule({ allow: ['*'], deny: ['purge*'] })], '\0purge', 'denied'],
    ['denied with a NUL behind it', [rule({ allow: ['*'], deny: ['purge'] })], 'purge\0d', 'denied'],
    ['denied with a line break in it', [rule({ allow: ['*'], deny: ['purge'] })], 'pur\nge', 'denied'],
    ['denied with a space of no width in it', [rule({ allow: ['*'], deny: ['purge*'] })], 'pu\u200brge', 'denied'],
    ['denied with a soft hyphen in it', [rule({ allow: ['*'], deny: ['purge*'] })], 'pu\u00adrge', 'denied'],
    ['denied with a word joiner in it', [rule({ allow: ['*'], deny: ['purge*'] })], '\u2060purge', 'denied'],
    ['denied with a mark of direction in it', [rule({ allow: ['*'], deny: ['purge*'] })], '\u202epurge', 'denied'],
    ['denied with a variation selector in it', [rule({ allow: ['*'], deny: ['purge*'] })], 'p\ufe0furge', 'denied'],
    ['allowed with what a name may hold', [rule({ allow: ['*'], deny: ['purge*'] })], 'admin/Liste der Städte.v2-🗑️', 'allowed'],
    ['allowed in its own spelling alone', [rule({ allow: ['search'] })], 'Search', 'denied'],
    [
      'allowed if it only reads where every rule that allows it says so',
      [rule({ allow: ['*'], readOnly: true })],
      'a',
      'if_read_only',
    ],
    [
      'allowed where a rule without that allows it too',
      [rule({ allow: ['*'], readOnly: true }), rule({ allow: ['a'] })],
      'a',
      'allowed',
    ],
    ['denied although it only reads', [rule({ allow: ['*'], deny: ['a'], readOnly: true })], 'a', 'denied'],
    ['denied where its name is longer than a name', [rule({ allow: ['*'] })], 'a'.repeat(2000), 'denied'],
    ['not confused by what a pattern may hold besides', [rule({ allow: ['a.c', '[ab]', '(x)+', '\\d'] })], 'abc', 'denied'],
  ])('%s', ([, rules, tool, verdict]) => {
    expect(verdictOn(tool, rules)).toBe(verdict)
  })
})

test.for<[string, boolean]>([
  ['tools/call', false],
  ['tools/list', false],
  ['tools/call/x', false],
  ['notifications/tools/list_changed', false],
  ['resources/read', false],
  ['x-vendor/Tools Call', false],
  ['Tools/Call', true],
  ['tools/call ', true],
  [' tools / call', true],
  ['/tools/call', true],
  ['tools/call/', true],
  ['tools/call\0', true],
  ['tools/call\0x', true],
  ['resources/read\n', true],
  ['tools/c\u200ball', true],
  ['tools/c\u00adall', true],
  ['ｔools/call', true],
])('the method %j could be taken for one about tools: %s', ([method, isIt]) => {
  expect(isDisguised(method)).toBe(isIt)
})

describe('a pattern', () => {
  test.for<[string, string, boolean]>([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['a*', 'a', true],
    ['a*', 'ba', false],
    ['*a', 'ba', true],
    ['*a', 'ab', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['*ab*ab*', 'xabxabx', true],
    ['*ab*ab*', 'xabx', false],
    ['**', 'anything', true],
    ['*.delete', 'tickets.delete', true],
  ])('%j fits %j: %s', ([pattern, name, fits]) => {
    expect(verdictOn(name, [rule({ allow: [pattern] })])).toBe(fits ? 'allowed' : 'denied')
  })

  test('that is made to take for ever walks over the name once', () => {
    const name = 'a'.repeat(1024)
    const indexOf = vi.spyOn(String.prototype, 'indexOf')
    verdictOn(name, [rule({ allow: [`${'*a'.repeat(200)}*b`] })])
    const looked = indexOf.mock.calls.flatMap(([piece, from = 0], call) => {
      const at = indexOf.mock.results[call]?.value
      return String(indexOf.mock.contexts[call]) === name ? [(at === -1 ? name.length : at + piece.length) - from] : []
    })
    indexOf.mockRestore()
    expect(looked.length).toBeGreaterThan(100)
    expect(looked.reduce((sum, characters) => sum + characters, 0)).toBeLessThanOrEqual(name.length)
  })
})

describe('the example in docs/servers/tool-policy.md', () => {
  const [, json = ''] = /```json\n(.*?)```/s.exec(readFileSync(PAGE, 'utf8')) ?? []
  const { downstreams } = readSettings({
    BASE_URL: 'https://mcp.example.com',
    DOWNSTREAMS: `[${json}]`,
    OAUTH_AUTHORIZE_URL: 'https://idp.example',
    OAUTH_CLIENT_ID: 'broker',
    ENCRYPTION_KEY: '0123456789abcdef'.repeat(4),
  })
  const [tickets] = downstreams

  test.for<[string, string, string, string]>([
    ['Eve', 'sales', 'search_tickets', 'if_read_only'],
    ['Eve', 'sales', 'create_ticket', 'if_read_only'],
    ['Sam', 'support', 'search_tickets', 'allowed'],
    ['Sam', 'support', 'close_ticket', 'allowed'],
    ['Sam', 'support', 'list_queues', 'if_read_only'],
    ['Sam', 'support', 'purge_queue', 'if_read_only'],
    ['Lea', 'support-leads', 'merge_tickets', 'allowed'],
    ['Lea', 'support-leads', 'purge_queue', 'denied'],
  ])('is what happens: %s of %s, %s: %s', ([, group, tool, verdict]) => {
    expect(verdictOn(tool, rulesFor(tickets?.tools ?? [], inGroups(group)))).toBe(verdict)
  })

  test('asks for a further scope where it says so', () => {
    expect(scopesNeeded('close_ticket', tickets ?? {})).toEqual(['tickets:close'])
    expect(scopesNeeded('search_tickets', tickets ?? {})).toEqual([])
    expect(tickets && defaultScopes(tickets)).toEqual(['mcp'])
  })
})

test('rules count that name one of the groups of a person, or none at all', () => {
  const everybody = rule({ allow: ['a'] })
  const support = rule({ groups: [groupOf('support'), groupOf('sales')], allow: ['b'] })
  const nobody = rule({ groups: [], allow: ['c'] })
  const rules = [everybody, support, nobody]
  expect(rulesFor(rules, inGroups('sales', 'x'))).toEqual([everybody, support])
  expect(rulesFor(rules, inGroups())).toEqual([everybody])
  // Groups are what the identity provider says, to the letter.
  expect(rulesFor(rules, inGroups('Support'))).toEqual([everybody])
  // And of no other one.
  expect(rulesFor(rules, { ...inGroups('support'), issuer: 'https://other.example' })).toEqual([everybody])
})

test('a call needs the scope of every pattern that fits its tool', () => {
  const toolScopes = [
    { tool: 'create_*', scope: 'write' },
    { tool: '*_ticket', scope: 'tickets' },
    { tool: 'close_*', scope: 'write' },
  ]
  expect(scopesNeeded('create_ticket', { toolScopes })).toEqual(['write', 'tickets'])
  expect(scopesNeeded('Create_Note', { toolScopes })).toEqual(['write'])
  expect(scopesNeeded('search', { toolScopes })).toEqual([])
  expect(scopesNeeded('search', {})).toEqual([])
})
