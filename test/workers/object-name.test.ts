// An object keeps its name: a node of a cluster that starts it because its alarm is due knows its id alone, and the lifecycle asks storage.
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { eachBeginsAt } from './clock.ts'
import { personName } from '../../src/caller.ts'
import { nameOfPerson, recallName } from '../../src/session/store/object-name.ts'
import type { UserSession } from '../../src/worker.ts'
import { granted, IDENTITY, nobody, NOW } from './person.ts'

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

/** What a node sees that starts the object by its id: this runtime would tell it the name, so the id alone is given. */
async function recalled(session: DurableObjectStub<UserSession>): Promise<{ name: unknown; ended: boolean }> {
  const id = env.USER_SESSION.idFromString(session.id.toString())
  expect(id.name).toBeUndefined()
  return await runInDurableObject(session, async (_, { storage }) => {
    storage.kv.delete(KEY)
    let ended = false
    await recallName({ id, storage, abort: () => void (ended = true) }, env.USER_SESSION, nameOfPerson)
    return { name: storage.kv.get(KEY), ended }
  })
}

describe('an object that an earlier release put to sleep, and that a node starts by its id', () => {
  test('learns its name from whose it is', async () => {
    const sub = await personName(IDENTITY)
    const session = env.USER_SESSION.getByName(sub)
    await granted(session)
    expect(await recalled(session)).toEqual({ name: sub, ended: false })
  })

  test('takes no name that is not its own', async () => {
    const session = nobody()
    await granted(session)
    expect(await recalled(session)).toEqual({ name: undefined, ended: true })
  })

  test('ends where it holds nobody, so that whoever comes next calls it by name', async () => {
    expect(await recalled(nobody())).toEqual({ name: undefined, ended: true })
  })
})
