// What tests stand on is begun in time, begun anew for a second try, and ended whole.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Begun } from '../../world/begun.ts'
import { fixture, perTest } from '../../world/fixture.ts'

describe('a fixture', () => {
  const said: string[] = []
  const tries: string[] = []
  const closable = (name: string) => ({ name, close: () => said.push(`${name} closed`) })
  const failing = (...problems: readonly string[]) =>
    Begun.by(async (closing, onEnd) => {
      await closing(closable('server'))
      for (const problem of problems)
        onEnd(() => {
          throw new Error(problem)
        })
      return {}
    })

  describe('of some tests', () => {
    const the = fixture(async (closing, onEnd) => {
      const server = await closing(closable(`server ${tries.length}`))
      onEnd(() => said.push('told'))
      const world = await closing(Promise.resolve(closable(`world ${tries.length}`)))
      return { server, world }
    })
    const whenCollected = failureOf(() => the.world.name)

    test('is not there while tests are collected', () => {
      expect(whenCollected).toContain('begun before the first test')
    })

    test('is there when they run', () => {
      expect([the.server.name, the.world.name, 'world' in the]).toEqual(['server 0', 'world 0', true])
      expect(said).toEqual([])
    })

    test('is begun anew for one that is tried again, after the end of what was there', { retry: 1 }, () => {
      tries.push(the.world.name)
      expect(tries).toEqual(['world 0', 'world 1'])
      expect(said.splice(0)).toEqual(['world 0 closed', 'told', 'server 0 closed'])
    })

    test('is neither changed nor copied', () => {
      expect(() => Object.assign(the, { world: closable('mine') })).toThrow(TypeError)
      expect(() => ({ ...the })).toThrow('name those you need')
      expect(said).toEqual([])
    })
  })

  describe('of each test', () => {
    const its = perTest((_, onEnd) => {
      const heard: string[] = []
      onEnd(() => said.push(heard.join()))
      return { heard }
    })

    test.for(['first', 'second'])('is a new one in the %s', (name) => {
      its.heard.push(name)
      expect(its.heard).toEqual([name])
      expect(said.splice(0)).toEqual(name === 'first' ? ['world 1 closed', 'told', 'server 1 closed'] : ['first'])
    })
  })

  test('is ended after the last of them, the newest first', () => {
    expect(said.splice(0)).toEqual(['second'])
  })

  test('that fails half-way ends what it began, what is still starting included', async () => {
    const begun = Begun.by(async (closing) => {
      await closing(closable('server'))
      const late = sleep(20).then(() => closable('world'))
      await Promise.all([closing(late), closing(Promise.reject<{ close(): void }>(new Error('no port')))])
      return {}
    })
    await expect(begun).rejects.toThrow(new Error('no port'))
    expect(said.splice(0)).toEqual(['world closed', 'server closed'])
  })

  test('ends the rest when one of its ends fails, and says which did', async () => {
    await expect((await failing('stuck')).end()).rejects.toThrow(new Error('stuck'))
    await expect((await failing('stuck', 'lost')).end()).rejects.toThrow('Error: lost; Error: stuck')
    expect(said.splice(0)).toEqual(['server closed', 'server closed'])
  })
})

function failureOf(read: () => string): string {
  try {
    return `no failure, but ${read()}`
  } catch (error) {
    return String(error)
  }
}
