// Security events leave as files that a spreadsheet can open without running what strangers wrote into their names.
import { describe, expect, test } from 'vitest'
import { csvLine } from '../../../../src/routes/admin/export.ts'

describe('a line of CSV', () => {
  test('quotes every cell, and quotation marks in it (RFC 4180)', () => {
    expect(csvLine(['a', 'say "hi"', 'two\nlines', 'one,two', undefined, 7])).toBe(
      '"a","say ""hi""","two\nlines","one,two","","7"\r\n',
    )
  })

  test.for([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '=HYPERLINK("https://evil.example","sign in")',
    '\t=1',
    '\r=1',
    '  =1',
    '\u200B=1',
    '\u202E=1',
    '＝1',
    '\tplain',
  ])('makes text of %j', (name) => {
    expect(csvLine([name])).toBe(`"'${name.replaceAll('"', '""')}"\r\n`)
  })

  test.for(['Claude', 'alice@example.com', 'a=b', '1-2', '2026-11-21T03:00:00.000Z', '', "'quoted"])(
    'leaves %j alone',
    (text) => {
      expect(csvLine([text])).toBe(`"${text}"\r\n`)
    },
  )

  test('leaves numbers alone, also below zero', () => {
    expect(csvLine([-5, 12])).toBe('"-5","12"\r\n')
  })
})
