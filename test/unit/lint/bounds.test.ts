// What reads from outside without a bound, or takes quadratic time over it, is refused by `npm run check`.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isSuperlinear } from '../../../scripts/lint/ambiguity.ts'
import { UnknownSyntax } from '../../../scripts/lint/pattern.ts'
import { STREAMED } from '../../../scripts/lint/reading.ts'
import { linesRefused } from './lines-refused.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

describe('an expression is refused', () => {
  test.for<[string, string, string]>([
    ['that starts over at each of many spaces', String.raw`\s+$`, 'g'],
    ['whose repetitions stand side by side', String.raw`^\S+@\S+$`, ''],
    ['whose repetitions are parted by what they both take', String.raw`^a*\w+,a*$`, ''],
    ['whose repetitions are parted by what may be left out', '^a+b?a+$', ''],
    ['that repeats a repetition', '^(a+)+$', ''],
    ['that repeats what may be empty', '^(?:a*)*b', ''],
    ['that repeats a choice of the same', '^(?:a|[ab])*$', ''],
    ['that is the same in two cases', '^[A-F]*[a-f]*$', 'i'],
    ['that looks ahead from every place', '^(?:a(?=.*x))*$', ''],
    ['with a bound that is none', '^a{1,9000}a{1,9000}$', ''],
    ['with a list in a list', String.raw`^(?:\s*,?\s*\w+)*$`, ''],
    ['of three repetitions', String.raw`^\s*(.*?)\s*$`, ''],
  ])('%s', ([, source, flags]) => expect(isSuperlinear(source, flags)).toBe(true))

  test('that it cannot judge, by saying so', () => {
    for (const unknown of [String.raw`^(a+)\1$`, '(?<=a+)b', '(?i:a)'])
      expect(() => isSuperlinear(unknown, '')).toThrow(UnknownSyntax)
  })
})

test.for<[string, string]>([
  [String.raw`^[\w.-]{1,60}$`, ''],
  [String.raw`^[^\s@]+@\S+$`, ''],
  [String.raw`^[a-z0-9-]+(?:\.[a-z0-9-]+)*$`, 'i'],
  ['"[^"]*"$', ''],
  ['a+', 'g'],
  ['^(?:ab)+$', ''],
  [String.raw`^(https?):\/\/([^/?#\s]+)((?:\/[^?#\s]*)?)(\?[^#\s]*)?$`, 'i'],
])('/%s/%s is let through', ([source, flags]) => expect(isSuperlinear(source, flags)).toBe(false))

describe('lint', () => {
  test('refuses in src every way to read a body without a bound, and every expression that is quadratic', () => {
    const wrong = [
      'await answer.text()',
      'await answer.json()',
      'await answer.arrayBuffer()',
      'await answer.blob()',
      'await answer.formData()',
      'await answer.bytes()',
      'await c.req.parseBody()',
      "await answer['text']()",
      'answer.body.getReader()',
      'answer.body.tee()',
      'for await (const piece of answer.body) hold(piece)',
      String.raw`text.replace(/\s+$/, '')`,
      'new RegExp(text)',
      'RegExp(text)',
    ]
    const refused = linesRefused('src/identity/probe.ts', wrong, 'bounds')
    expect(refused).toEqual(wrong.map((_, index) => index + 1))
  })

  test('lets pass what answers, and reading in pieces where a bound is named for it', () => {
    expect(
      linesRefused('src/routes/probe.ts', ['c.json(document)', "c.text('ok')", 'readBounded(answer.body, bounds)'], 'bounds'),
    ).toEqual([])
    expect(linesRefused('src/mcp/sse/sse.ts', ['body.getReader()', 'await body.text()'], 'bounds')).toEqual([2])
  })

  test('names no place for reading in pieces that does not need it', () => {
    const needless = Object.keys(STREAMED).filter(
      (file) => !existsSync(join(ROOT, file)) || !readFileSync(join(ROOT, file), 'utf8').includes('.getReader()'),
    )
    expect(needless).toEqual([])
  })
})
