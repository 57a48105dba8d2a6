// What is read from a challenge, in whatever company it comes.
import { expect, test } from 'vitest'
import { bearerChallenge, scopesOf } from '../../../src/platform/www-authenticate.ts'

test.for<[string, Record<string, string> | undefined]>([
  ['Bearer', {}],
  ['bearer scope="a b", error=invalid_token', { scope: 'a b', error: 'invalid_token' }],
  ['Bearer realm="says \\"scope=x\\"", scope="real"', { realm: 'says "scope=x"', scope: 'real' }],
  ['Basic realm="x", Bearer scope="a"', { scope: 'a' }],
  ['Bearer scope="a", Basic realm="x"', { scope: 'a' }],
  ['Bearer scope="a", scope="b"', { scope: 'a' }],
  ['DPoP scope="a"', undefined],
  ['NotBearer scope="a"', undefined],
  ['', undefined],
])('%s', ([header, parameters]) => {
  const challenge = bearerChallenge(header)
  expect(challenge && Object.fromEntries(challenge)).toEqual(parameters)
})

test('a scope that is said to be empty is none', () => {
  expect(scopesOf(bearerChallenge('Bearer scope=""'))).toEqual([])
  expect(scopesOf(bearerChallenge(null))).toEqual([])
})

test('a scope that is none is left out, and more than anybody has are cut off', () => {
  expect(scopesOf(bearerChallenge('Bearer scope="read \\\\ wri\u00e9te admin"'))).toEqual(['read', 'admin'])
  expect(scopesOf(bearerChallenge(`Bearer scope="${'a '.repeat(1_000)}"`))).toHaveLength(50)
})
