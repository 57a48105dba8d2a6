// What a log line never holds, whoever wrote what is logged, and what looking for it costs.
import { expect, test } from 'vitest'
import { redact } from '../../../src/platform/telemetry.ts'

test.for([
  ['GET /callback/eyJhbGciOiJkaXIifQ..a.b.c', 'GET /callback/[redacted]'],
  ['an eyJhbGciOiJkaXIifQ in pieces', 'an [redacted] in pieces'],
  ['Authorization: Bearer abc.def', 'Authorization: [redacted]'],
  ['/callback?code=abc&state=x&iss=https://a.example', '/callback?code=[redacted]&state=[redacted]&iss=https://a.example'],
  ['nothing of the kind', 'nothing of the kind'],
])('%s', ([text = '', expected]) => {
  expect(redact(text)).toBe(expected)
})

test.for(['eyJ', 'eyJ-', 'tok_', 'Bearer ', 'code=', 'eyJa.', ' '])(
  'a path of %j for ever costs as much as it is long',
  (part) => {
    const text = `/callback/${part.repeat(Math.ceil(300_000 / part.length))}`
    const before = performance.now()
    redact(text)
    expect(performance.now() - before).toBeLessThan(500)
  },
)
