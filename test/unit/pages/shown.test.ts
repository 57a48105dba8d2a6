// Text from strangers, fit to be read.
import { describe, expect, it } from 'vitest'
import { initialOf, shownHost, shownName, shownText } from '../../../src/pages/shown.ts'

describe('text from a stranger is shown', () => {
  it.for<[string, string, string]>([
    ['as it is when it is harmless', 'Claude Code – “Größe” 日本語 🙂', 'Claude Code – “Größe” 日本語 🙂'],
    ['without overrides of its direction', '\u202Emoc.elgoog\u202C', 'moc.elgoog'],
    ['without isolates and marks of direction', '\u2066a\u2069\u200E\u200F\u061Cb', 'ab'],
    ['without characters of no width', 'Cu\u200Brs\u200Dor\u2060\uFEFF', 'Cursor'],
    ['without tags and variation selectors', 'a\u{E0041}\uFE0Fb', 'ab'],
    ['without fillers that look like nothing', '\u3164\u115F\u2800\u00ADx', 'x'],
    ['without control characters', 'a\u0000\u0007\u001B[31mb', 'a[31mb'],
    ['without half characters', 'a\uD83Db', 'ab'],
    ['on one line', ' two\n\tlines\u2028and\u0085more ', 'two lines and more'],
    ['with no more than three marks on a letter', `e${'\u0301'.repeat(40)}!`, `e${'\u0301'.repeat(3)}!`],
  ])('%s', ([, written, shown]) => {
    expect(shownText(written)).toBe(shown)
  })

  it('cut after whole characters', () => {
    expect(shownText('🙂'.repeat(5), 3)).toBe('🙂🙂🙂…')
  })

  it('untouched at exactly the longest length', () => {
    expect(shownText('abc', 3)).toBe('abc')
  })
})

describe('a name', () => {
  it('is cut at 80 characters', () => {
    expect(shownName('x'.repeat(300), 'nobody')).toBe(`${'x'.repeat(80)}…`)
  })

  it('that has nothing to show is replaced', () => {
    expect(shownName('\u200B\u202E', 'An unnamed application')).toBe('An unnamed application')
  })

  it.for([
    ['claude', 'C'],
    ['<img>', 'I'],
    ['«été»', 'É'],
    ['7zip', '7'],
    ['…', '?'],
  ])('is stood for by its first letter or digit: %s → %s', ([name = '', initial]) => {
    expect(initialOf(name)).toBe(initial)
  })
})

it('a host that is too long loses its front: its owner stands at the end', () => {
  const shown = shownHost(`${'accounts.google.com.'.repeat(20)}evil.example`)
  expect(shown).toMatch(/^….*\.evil\.example$/)
})
