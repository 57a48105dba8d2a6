// What has changed for many people at once reaches each of them: a group of the company's directory, and the rules of a new deployment.
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { Receipt } from '../../src/session/contract/receipt.ts'
import { connected, createGroup, createUser, credential, idOf, MCP, scim, somebody, TICKETS } from './company-directory.ts'

/** More than one batch. */
const CROWD = 60

const directory = () => env.DIRECTORY.getByName('directory')

async function lastReceipt(): Promise<Receipt> {
  const [receipt] = (await directory().receipts(undefined)).receipts
  if (!receipt) throw new Error('there is no receipt')
  return receipt
}

async function over(): Promise<Receipt> {
  for (let alarms = 0; alarms < 200; alarms += 1) {
    const receipt = await lastReceipt()
    if (receipt.state === 'done') return receipt
    await runDurableObjectAlarm(directory())
  }
  throw new Error('it stopped before it was over')
}

describe('a group of many people that is emptied', () => {
  test('leaves nobody what it gave, also where everything died half-way', { timeout: 120_000 }, async () => {
    const token = await credential(['scim'])
    const crowd = await Promise.all(Array.from({ length: CROWD }, () => somebody()))
    const users = await Promise.all(crowd.map(async ({ subject }) => idOf(await createUser(token, subject))))
    const group = idOf(await createGroup(token, 'support', users))
    const callers = await Promise.all(crowd.map((person) => connected(person, TICKETS)))
    const admitted = async (): Promise<number> => {
      // Stubs of objects that were aborted stay broken.
      const answers = await Promise.all(callers.map((caller) => env.USER_SESSION.getByName(caller.sub).admit(caller)))
      return answers.filter((answer) => answer.admitted).length
    }
    expect(await admitted()).toBe(CROWD)

    const emptied = scim(token, 'PUT', `/Groups/${group}`, { displayName: 'support', members: [] }).catch(() => undefined)
    await expect.poll(async () => (await lastReceipt()).people.done, { interval: 1 }).toBeGreaterThan(0)
    await abortAllDurableObjects()
    await emptied
    expect(await over()).toMatchObject({
      action: 'apply',
      target: { what: 'group', id: 'support' },
      people: { total: CROWD, done: CROWD, failing: 0 },
    })
    expect(await admitted()).toBe(0)
  })
})

describe('a deployment that changes the rules', () => {
  test('reaches everybody who is connected, once, with the first request of an isolate', async () => {
    const person = await somebody()
    await connected(person, MCP)
    await expect.poll(async () => (await directory().person(person.sub))?.liveGrants).toBe(1)
    const before = (await directory().receipts(undefined)).receipts.length
    await runInDurableObject(directory(), (_, { storage }) => {
      storage.sql.exec("UPDATE applied_policy SET digest = 'of the deployment before'")
    })
    await abortAllDurableObjects()
    await directory().wake()
    expect(await over()).toMatchObject({
      by: 'deployment',
      byName: 'A new deployment',
      action: 'apply',
      target: { what: 'everyone' },
      people: { total: (await directory().counts()).connected, failing: 0 },
    })
    await abortAllDurableObjects()
    await directory().wake()
    expect((await directory().receipts(undefined)).receipts).toHaveLength(before + 1)
  })
})
