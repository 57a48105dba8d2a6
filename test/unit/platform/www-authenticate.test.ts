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
  ['Basic realm=", Bearer scope=\\"a\\""', undefined],
  ['Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+gJDAi==, Bearer scope = "a"', { scope: 'a' }],
  ['Bearer error, scope="a",, x=y', { scope: 'a', x: 'y' }],
  ['Bearer scope="never closed', {}],
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

test.for<[string, (length: number) => string]>([
  ['one word', (length) => `Bearer ${'a'.repeat(length)}`],
  ['words and blanks', (length) => `Bearer ${'a '.repeat(length / 2)}`],
  ['commas', (length) => `Bearer ${', a'.repeat(length / 3)}`],
  ['quotes that never end', (length) => `Bearer ${'a="'.repeat(length / 3)}`],
  ['backslashes', (length) => `Bearer a="${'\\\\'.repeat(length / 2)}`],
  ['blanks', (length) => `Bearer${' '.repeat(length)}x`],
  ['a beginning again and again', (length) => ',Bearer'.repeat(length / 7)],
])('a megabyte of %s costs no more than a header', ([, written]) => {
  const header = written(1_000_000)
  const before = performance.now()
  bearerChallenge(header)
  expect(performance.now() - before).toBeLessThan(500)
})
