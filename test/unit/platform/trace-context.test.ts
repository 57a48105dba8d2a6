// What is a W3C trace context, and what is a stranger's text.
import { describe, expect, test } from 'vitest'
import { spanContextIn, traceparent, traceStateIn } from '../../../src/platform/trace-context.ts'

const [TRACE, SPAN] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'] as const

test('a context comes out as it went in', () => {
  const context = { traceId: TRACE, spanId: SPAN }
  expect(spanContextIn(traceparent(context))).toEqual({ ...context, isSampled: true })
})

test.for([
  [`00-${TRACE}-${SPAN}-00`, false],
  [`00-${TRACE}-${SPAN}-03`, true],
  // Section 3.2.4: of a later version the part that is known is read.
  [`01-${TRACE}-${SPAN}-01-what-comes-later`, true],
] as const)('%s is sampled: %s', ([text, isSampled]) => {
  expect(spanContextIn(text)?.isSampled).toBe(isSampled)
})

describe('no context is', () => {
  test.for([
    ['nothing', undefined],
    ['a number', 7],
    ['an object', { toString: () => `00-${TRACE}-${SPAN}-01` }],
    ['empty', ''],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['the version ff', `ff-${TRACE}-${SPAN}-01`],
    ['version 00 with more', `00-${TRACE}-${SPAN}-01-more`],
    ['one that is too long', `01-${TRACE}-${SPAN}-01-${'x'.repeat(100_000)}`],
    ['one with a line behind it', `00-${TRACE}-${SPAN}-01\n`],
    ['two', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
  ] as const)('%s', ([, text]) => {
    expect(spanContextIn(text)).toBeUndefined()
  })
})

test('a state is passed on that every hop has to be able to pass on, and no other', () => {
  expect(traceStateIn('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')).toBe('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')
  for (const state of ['', 'a=b\r\nx: y', 's'.repeat(513), 7, undefined, 'ä=1']) expect(traceStateIn(state)).toBeUndefined()
})
