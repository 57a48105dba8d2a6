// What redaction costs where somebody chose the text to make it dear: milliseconds, and no more for twice the text than twice as much.
import { expect, test } from 'vitest'
import { redact } from '../../../../src/platform/redact.ts'
import { redactMessage, redactName } from '../../../../src/session/store/redaction.ts'

const long = (text: string, length: number) => text.repeat(Math.ceil(length / text.length)).slice(0, length)

test.for<[string, string]>([
  ['a quote before names without an end', `${long('\\', 3_000)}"${long('token', 1_000_000)}`],
  ['quotes and backslashes', long('\\"', 1_000_000)],
  ['names of fields', long('"token"', 1_000_000)],
  ['beginnings of envelopes', long('eyJ', 1_000_000)],
  ['half envelopes', long('eyJa.', 1_000_000)],
  ['bearers of nothing', long('Bearer  ', 1_000_000)],
  ['addresses with a password that has no end', long('://a:', 1_000_000)],
  ['addresses and passwords', `@${long('://aaaaaaaa', 1_000_000)}`],
  ['brackets', long('[', 64 * 1024)],
])('as much as a megabyte of %s is looked through at once', ([, text]) => {
  const began = performance.now()
  for (const each of [text, JSON.stringify(text), JSON.stringify({ a: JSON.stringify({ b: text }) })])
    redactMessage(each, ['idp access token 1'])
  redactName(text, ['idp access token 1'])
  redact(text)
  expect(performance.now() - began).toBeLessThan(3_000)
})

test('JSON in JSON, as deep as it likes, hides nothing', () => {
  let text = '{"password":"canary"}'
  for (let depth = 0; depth < 6; depth += 1) text = JSON.stringify({ text })
  expect(redactMessage(text, [])).not.toContain('canary')
  expect(redactMessage(`${'['.repeat(5_000)}"canary"${']'.repeat(5_000)}`, [])).not.toContain('canary')
})

test.for<[string, unknown]>([
  ['a header among pairs of them', { headers: [['X-Api-Key', 'canary']] }],
  ['an address', { text: 'see https://a.example/cb?client_secret=canary&x=1' }],
  ['the fragment of an address', { url: 'https://a.example/#id_token=canary' }],
  ['the password of a database in its address', { text: 'it is postgres://app:canary@db.example:5432/app' }],
  ['a passphrase', { passphrase: 'canary' }],
  ['a key of storage', { connection_string: 'canary', 'Account-Key': 'canary', signingKey: ['canary'] }],
  ['a short name', { pwd: 'canary', auth: 'canary', jwt: 'canary' }],
  ['a token of a known make', { text: 'use glpat-canary12345678901234567 for it' }],
])('%s keeps no secret', ([, message]) => {
  expect(redactMessage(JSON.stringify(message), [])).not.toContain('canary')
})

test('the name of a field that was harmless is not so for whom it is a secret', () => {
  const message = '{"some value 1":1,"__proto__":{"otp":"canary"},"otp":7}'
  expect(redactMessage(message, [])).toBe('{"some value 1":1,"__proto__":{"otp":"[redacted]"},"otp":7}')
  expect(redactMessage(message, ['some value 1'])).toBe('{"[redacted]":1,"__proto__":{"otp":"[redacted]"},"otp":7}')
})
