// A claim is found by its name first, dots and all, and then by a path.
import { expect, test } from 'vitest'
import { claimAt } from '../../../src/identity/claim-path.ts'

const roles = ['a']

test.for<[string, object, unknown]>([
  ['cognito:groups', { 'cognito:groups': roles }, roles],
  ['https://app.example/groups', { 'https://app.example/groups': roles }, roles],
  ['realm_access.roles', { realm_access: { roles } }, roles],
  ['realm_access.roles', { 'realm_access.roles': 'literal', realm_access: { roles } }, 'literal'],
  ['resource_access.my.app.roles', { resource_access: { 'my.app': { roles } } }, roles],
  ['a.b.c', { 'a.b': { x: 1 }, a: { 'b.c': roles } }, roles],
  ['realm_access.roles', { realm_access: 'text' }, undefined],
  ['realm_access.roles', {}, undefined],
  ['constructor.name', {}, undefined],
  ['__proto__', {}, undefined],
  ['.roles', { '': { roles } }, undefined],
])('%s in %j is %j', ([path, claims, expected]) => {
  expect(claimAt(claims, path)).toEqual(expected)
})
