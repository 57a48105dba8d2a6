// What a log line never holds, whoever wrote what is logged, and what looking for it costs.
import { expect, test } from 'vitest'
import { redact } from '../../../src/platform/redact.ts'

test.for([
  ['GET /callback/eyJhbGciOiJkaXIifQ..a.b.c', 'GET /callback/[redacted]'],
  ['an eyJhbGciOiJkaXIifQ in pieces', 'an [redacted] in pieces'],
  ['Authorization: Bearer abc.def', 'Authorization: [redacted]'],
  ['/callback?code=abc&state=x&iss=https://a.example', '/callback?code=[redacted]&state=[redacted]&iss=https://a.example'],
  ['https://a.example/#access_token=abc&x=1', 'https://a.example/#access_token=[redacted]&x=1'],
  ['client_secret=abc refresh_token=def', 'client_secret=[redacted] refresh_token=[redacted]'],
  ['https://a.example/?api_key=abc&sig=def', 'https://a.example/?api_key=[redacted]&sig=[redacted]'],
  ['Authorization: Basic YnJva2VyOnMzY3JldA==', 'Authorization: [redacted]'],
  [`a ghp_${'a1'.repeat(18)} of GitHub`, 'a [redacted] of GitHub'],
  ['xoxb-1234567890-abcdef', '[redacted]'],
  ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
  ['-----BEGIN RSA PRIVATE KEY-----\nMIIE', '[redacted]'],
  ['Basic information about the design=big', 'Basic information about the design=big'],
  ['nothing of the kind', 'nothing of the kind'],
])('%s', ([text = '', expected]) => {
  expect(redact(text)).toBe(expected)
})

test.for([
  'eyJ',
  'eyJ-',
  'tok_',
  'Bearer ',
  'code=',
  'eyJa.',
  ' ',
  'Basic ',
  'ghp_',
  'sk-',
  '-----BEGIN ',
  '-----BEGIN PRIVATE KEY-----',
  'apikey=',
])('a path of %j for ever costs as much as it is long', (part) => {
  const text = `/callback/${part.repeat(Math.ceil(300_000 / part.length))}`
  const before = performance.now()
  redact(text)
  expect(performance.now() - before).toBeLessThan(500)
})
