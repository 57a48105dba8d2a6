// Names that src exports: one word for one thing, so that a search for it finds one definition.
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const SRC = resolve(import.meta.dirname, '../../../src')
const EXPORTED = /^export (?:default )?(?:abstract )?(?:async )?(?:const|function\*?|class|interface|type|enum) (\w+)/gm
/** `worker.ts` gives the objects what they stand on, under the names that a deployment knows them by. */
const DEPLOYED = ['Directory', 'UserSession']

test('no name that src exports means two things', () => {
  const places = new Map<string, string[]>()
  for (const file of globSync('**/*.{ts,tsx}', { cwd: SRC })) {
    const names = [...readFileSync(join(SRC, file), 'utf8').matchAll(EXPORTED)].map(([, name = '']) => name)
    for (const name of new Set(names)) places.set(name, [...(places.get(name) ?? []), file])
  }
  const twice = [...places].filter(([name, files]) => files.length > 1 && !DEPLOYED.includes(name))
  expect(twice.map(([name, files]) => `${name}: ${files.join(', ')}`)).toEqual([])
})
