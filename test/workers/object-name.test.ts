// An object keeps its name: a node of a cluster that starts it because its alarm is due knows its id alone, and the lifecycle asks storage.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { eachBeginsAt } from './clock.ts'
import { granted, nobody, NOW } from './person.ts'

/** Where `agents/lifecycle` looks for it. */
const KEY = '__ps_name'

eachBeginsAt(() => NOW)

test('a person’s object can be started by its alarm where the runtime does not say its name', async () => {
  const session = nobody()
  await granted(session)
  expect(await runInDurableObject(session, async (_, { storage }) => await storage.get(KEY))).toBe(session.name)
})

test('so can the object of the deployment', async () => {
  const directory = env.DIRECTORY.getByName('directory with a name')
  await directory.counts()
  expect(await runInDurableObject(directory, async (_, { storage }) => await storage.get(KEY))).toBe('directory with a name')
})
