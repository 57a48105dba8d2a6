// What one end-to-end test leaves in a variable, another one would find: `npm run check` refuses such variables.
import { expect, test } from 'vitest'
import { linesRefused } from './lines-refused.ts'

test('a variable that tests share is refused, and one that a test has for itself is not', () => {
  const lines = [
    `let world: World`,
    `describe('a', () => {`,
    `  let client = 1`,
    `  describe.runIf(true)('b', () => {`,
    `    let page: Page`,
    `    describe.for([1])('c', function () {`,
    `      let tokens`,
    `      test('d', () => {`,
    `        let own = 2`,
    `        for (let each = 0; each < own; each += 1) own += client`,
    `      })`,
    `    })`,
    `  })`,
    `  for (let each = 0; each < 2; each += 1) test(String(each), () => undefined)`,
    `  for (const kind of KINDS) {`,
    `    let found`,
    `  }`,
    `  const helper = () => {`,
    `    let own = 1`,
    `    return own`,
    `  }`,
    `})`,
  ]
  expect(linesRefused('test/e2e/probe.test.ts', lines, 'house')).toEqual([1, 3, 5, 7, 16])
})
