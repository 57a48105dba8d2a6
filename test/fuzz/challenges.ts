// `WWW-Authenticate` of a server: a challenge that follows the grammar is read as it was meant, anything else costs nothing.
import * as fc from 'fast-check'
import { bearerChallenge, scopesOf } from '../../src/platform/www-authenticate.ts'
import { fuzzTarget, hostileText } from './target.ts'

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,12}$/).filter((name) => name.toLowerCase() !== 'bearer')
const value = fc.stringMatching(/^[\x20-\x7e]{0,30}$/)
const parameters = fc.uniqueArray(fc.tuple(token, value), {
  selector: ([name]) => name.toLowerCase(),
  maxLength: 5,
  minLength: 1,
})
const other = fc.constantFrom('', 'Basic realm="Bearer x=1", ', 'DPoP algs="ES256", ', 'Negotiate, ')

export const challenge = fuzzTarget(
  'WWW-Authenticate',
  fc.tuple(other, parameters, fc.constantFrom('', ', Basic realm="b"', ', Negotiate')),
  ([before, given, after]) => {
    const header = `${before}Bearer ${given.map(([name, text]) => `${name}=${quoted(text)}`).join(', ')}${after}`
    const read = bearerChallenge(header)
    for (const [name, text] of given)
      if (read?.get(name.toLowerCase()) !== text)
        throw new Error(`${name} of ${header} is read as ${read?.get(name.toLowerCase())}`)
  },
)

export const challengeText = fuzzTarget(
  'WWW-Authenticate text',
  hostileText([
    'Bearer',
    'bearer ',
    'Basic ',
    'scope',
    'realm',
    '=',
    '"',
    ',',
    ' ',
    '\\',
    'a=b',
    'resource_metadata=',
    '\t',
    '-',
  ]),
  (header) => {
    for (const scope of scopesOf(bearerChallenge(header))) if (!/^[\x21-\x7e]+$/.test(scope)) throw new Error('that is no scope')
  },
  [
    { name: 'words', prepare: (size) => challenging(`Bearer ${'a'.repeat(size)}`) },
    { name: 'words and spaces', prepare: (size) => challenging(`Bearer ${'a '.repeat(size / 2)}`) },
    { name: 'commas and spaces', prepare: (size) => challenging(`Bearer ${', '.repeat(size / 2)}`) },
    { name: 'spaces', prepare: (size) => challenging(`Bearer${' '.repeat(size)}x`) },
    { name: 'an unfinished quote', prepare: (size) => challenging(`Bearer a="${'\\a'.repeat(size / 2)}`) },
    { name: 'names without values', prepare: (size) => challenging(`Bearer ${'a-'.repeat(size / 2)}`) },
    { name: 'schemes', prepare: (size) => challenging(`Bearer a=b${', x y='.repeat(size / 6)}`) },
    { name: 'scopes', prepare: (size) => challenging(`Bearer scope="${'s '.repeat(size / 2)}"`) },
  ],
)

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

function challenging(header: string): () => unknown {
  return () => scopesOf(bearerChallenge(header))
}
