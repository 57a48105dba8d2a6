// PATCH as directories send it: what becomes of a user, and what is refused.
import { describe, expect, test } from 'vitest'
import { groupChangeIn } from '../../../../src/signals/scim/group.ts'
import { ScimError, type Document } from '../../../../src/signals/scim/message.ts'
import { operationsIn, patched } from '../../../../src/signals/scim/patch.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
const BEFORE: Document = {
  userName: 'ann@example.com',
  active: true,
  name: { givenName: 'Ann', familyName: 'Archer' },
  emails: [
    { type: 'work', value: 'ann@example.com', primary: true },
    { type: 'home', value: 'ann@home.example' },
  ],
  [ENTERPRISE]: { department: 'Sales', costCenter: '12' },
}
const after = (...Operations: readonly object[]): Document => patched(BEFORE, operationsIn({ Operations }))

describe('a user after', () => {
  test.each<[string, object, Document]>([
    ['Okta’s replace without a path', { op: 'replace', value: { active: false } }, { active: false }],
    ['Entra’s Replace with a word', { op: 'Replace', path: 'active', value: 'False' }, { active: 'False' }],
    ['an attribute in another case', { op: 'replace', path: 'UserName', value: 'b' }, { userName: 'b' }],
    [
      'part of a name',
      { op: 'replace', path: 'name.givenName', value: 'Anna' },
      { name: { givenName: 'Anna', familyName: 'Archer' } },
    ],
    [
      'paths as names in a value',
      { op: 'add', value: { 'name.familyName': 'B', title: 'Boss' } },
      { name: { givenName: 'Ann', familyName: 'B' }, title: 'Boss' },
    ],
    [
      'an address of a kind',
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'new@example.com' },
      {
        emails: [
          { type: 'work', value: 'new@example.com', primary: true },
          { type: 'home', value: 'ann@home.example' },
        ],
      },
    ],
    [
      'an address of a kind there was none of',
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '1' },
      { phoneNumbers: [{ type: 'mobile', value: '1' }] },
    ],
    [
      'one address less',
      { op: 'remove', path: 'emails[type eq "home"]' },
      { emails: [{ type: 'work', value: 'ann@example.com', primary: true }] },
    ],
    [
      'an attribute of an extension',
      { op: 'Replace', path: `${ENTERPRISE}:department`, value: 'IT' },
      { [ENTERPRISE]: { department: 'IT', costCenter: '12' } },
    ],
    [
      'an extension as a whole',
      { op: 'replace', value: { [ENTERPRISE]: { department: 'IT' } } },
      { [ENTERPRISE]: { department: 'IT' } },
    ],
    [
      'a value that was there already',
      { op: 'add', path: 'emails', value: [{ type: 'home', value: 'ann@home.example' }] },
      { emails: BEFORE['emails'] },
    ],
  ])('%s', (_, operation, expected) => {
    expect(after(operation)).toEqual({ ...BEFORE, ...expected })
  })

  test('an attribute is taken out, and the given document is left as it was', () => {
    const before = structuredClone(BEFORE)
    expect(after({ op: 'Remove', path: 'emails' })).not.toHaveProperty('emails')
    expect(BEFORE).toEqual(before)
  })

  test('a name of the language’s own is a name like any other', () => {
    const document = after({ op: 'add', value: JSON.parse('{"constructor":{"prototype":1}}') })
    expect(Object.getPrototypeOf(document)).toBe(Object.prototype)
    expect(document['constructor']).toEqual({ prototype: 1 })
  })
})

test.each<[string, unknown, string]>([
  ['no operations', {}, 'invalidSyntax'],
  ['too many', { Operations: Array.from({ length: 2_001 }, () => ({ op: 'remove', path: 'a' })) }, 'invalidSyntax'],
  ['an operation of another kind', { Operations: [{ op: 'move', path: 'a' }] }, 'invalidSyntax'],
  ['remove without a path', { Operations: [{ op: 'remove' }] }, 'noTarget'],
  ['a value that names nothing', { Operations: [{ op: 'add', value: 'x' }] }, 'invalidValue'],
  ['a path of another language', { Operations: [{ op: 'add', path: '$..a', value: 1 }] }, 'invalidPath'],
  ['a filter that is none', { Operations: [{ op: 'add', path: 'a[b].c', value: 1 }] }, 'invalidFilter'],
])('refused: %s', (_, body, scimType) => {
  const read = (): unknown => operationsIn(JSON.parse(JSON.stringify(body)))
  expect(read).toThrow(ScimError)
  expect(read).toThrow(expect.objectContaining({ status: 400, scimType }))
})

test('a group is changed in the order that was sent, in the spelling of Okta and of Entra', () => {
  const Operations = [
    { op: 'Add', path: 'members', value: [{ value: 'a' }, { value: 'b' }, { value: 'a' }] },
    { op: 'remove', path: 'members[value eq "a"]' },
    { op: 'Remove', path: 'members', value: [{ value: 'b' }] },
    { op: 'replace', value: { id: 'g', displayName: 'new' } },
    { op: 'replace', path: 'members', value: [{ value: 'c' }] },
    { op: 'remove', path: 'members' },
  ]
  expect(groupChangeIn({ Operations })).toEqual({
    displayName: 'new',
    members: [{ add: ['a', 'b'] }, { remove: ['a'] }, { remove: ['b'] }, { set: ['c'] }, { set: [] }],
  })
})
