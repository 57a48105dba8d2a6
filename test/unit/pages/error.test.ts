// Pages of refusal: what they say, and that they say it harmlessly.
import { describe, expect, it } from 'vitest'
import { errorPage, type Refusal, settingsErrorPage } from '../../../src/pages/error.tsx'
import { ESCAPED, probed } from './hostile.ts'

const refusal: Refusal = {
  status: 400,
  code: 'invalid_client',
  title: 'This application is not known here',
  message: 'An administrator removed it.',
  hint: 'Remove the server from your application and add it again.',
  requestId: '8f2c1d4e',
  retry: { href: '/authorize?client_id=1', label: 'Try again' },
}

const mistakes = {
  problems: [
    { variable: 'BASE_URL', problem: 'It ends with a slash.', cure: 'Leave the slash away.' },
    { variable: 'ENCRYPTION_KEY', problem: 'It is too short.', cure: 'Make 32 bytes.' },
  ],
  requestId: '8f2c1d4e',
}

describe('an error page', () => {
  it.for(['Error 400', refusal.title, refusal.message, 'add it again', 'invalid_client', '8f2c1d4e'])('says %s', (words) => {
    expect(errorPage(refusal)).toContain(words)
  })

  it('has no hint and no button where there is nothing to do', () => {
    const { hint: _hint, retry: _retry, ...bare } = refusal
    const html = errorPage(bare)
    expect(html).not.toContain('What you can do')
    expect(html).not.toContain('class="button')
  })

  it.for(probed(refusal, ['retry.href']))('stays a page whatever stands in %s', ([, probe]) => {
    const html = errorPage(probe)
    expect(html).toContain(ESCAPED)
    expect(html).not.toContain('<img')
  })

  it.for<[string, boolean]>([
    ['/authorize', true],
    ['https://client.example/', true],
    ['//evil.example', false],
    ['/\\evil.example', false],
    ['javascript:alert(1)', false],
    [' javascript:alert(1)', false],
    ['data:text/html,x', false],
  ])('offers %s as a way on: %s', ([href, offered]) => {
    expect(errorPage({ ...refusal, retry: { href, label: 'Try again' } }).includes('Try again')).toBe(offered)
  })
})

describe('the page about wrong settings', () => {
  it('names every variable, what is wrong with it, and the cure', () => {
    const html = settingsErrorPage(mistakes)
    for (const { variable, problem, cure } of mistakes.problems) {
      expect(html).toContain(variable)
      expect(html).toContain(problem)
      expect(html).toContain(cure)
    }
    expect(html).toContain('Correct these 2 and')
  })

  it.for(probed(mistakes))('stays a page whatever stands in %s', ([, probe]) => {
    expect(settingsErrorPage(probe)).toContain(ESCAPED)
    expect(settingsErrorPage(probe)).not.toContain('<img')
  })
})
